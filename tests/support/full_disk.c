/* A disk that fills up: once armed, writes to files whose path holds a text fail after so many bytes, or fsync or close
   do. Loaded with LD_PRELOAD; a test arms it through ctypes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char part[256];
static long left = -1, failing_sync = 0, failing_close = 0, written = 0, reserves = 1;

/* bytes: room that is left, -1 for a disk that never fills; sync, close: whether these fail. */
void fill_disk(const char *path_part, long bytes, long sync, long close) {
    strncpy(part, path_part, sizeof part - 1);
    left = bytes, failing_sync = sync, failing_close = close, written = 0;
}
long bytes_written(void) { return written; }

static int watched(int fd) {
    char link[64], path[4096];
    if (!part[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return strstr(path, part) != NULL;
}
/* How much of `size` bytes still fits. */
static size_t room(int fd, size_t size) {
    if (!watched(fd)) return size;
    if (left >= 0 && size > (size_t)left) size = left;
    if (left >= 0) left -= size;
    written += size;
    return size;
}
#define REAL(name) ({ static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })
#define FULL return errno = ENOSPC, -1

ssize_t write(int fd, const void *data, size_t size) {
    size_t fits = room(fd, size);
    if (size && !fits) FULL;
    return REAL(write)(fd, data, fits);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
    size_t fits = room(fd, size);
    if (size && !fits) FULL;
    return REAL(pwrite)(fd, data, fits, place);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
    size_t fits = room(fd, size);
    if (size && !fits) FULL;
    return REAL(pwrite64)(fd, data, fits, place);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (watched(fd) && !left) FULL;
    return REAL(writev)(fd, parts, count);
}
int posix_fallocate(int fd, off_t place, off_t size) {
    return watched(fd) && !reserves && left >= 0 && left < size ? ENOSPC : REAL(posix_fallocate)(fd, place, size);
}
int posix_fallocate64(int fd, off64_t place, off64_t size) {
    return watched(fd) && !reserves && left >= 0 && left < size ? ENOSPC : REAL(posix_fallocate64)(fd, place, size);
}
int fsync(int fd) {
    if (failing_sync && watched(fd)) FULL;
    return REAL(fsync)(fd);
}
int close(int fd) {
    int fails = failing_close && watched(fd), found = REAL(close)(fd);
    if (fails) FULL;
    return found;
}
