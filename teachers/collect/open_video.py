"""Opening a video: from its own file and nothing else, and the one of its streams that is the film."""

from collections import Counter
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError, FileFormatError

# FFmpeg's readers of files that hold their pictures, or sound, themselves. Others follow a text to other files and
# addresses (ffconcat, playlists, session descriptions), take a name for a pattern, or make pictures of text.
FORMATS = (
    "3dostr 4xm amv anm apng argo_brp asf asf_o av1 avi avif avs avs2 avs3 bethsoftvid bfi bink bmv c93 cavsvideo cdxl "
    "cine cmv dhav dirac dnxhd dsicin dv dxa ea ea_cdata evc film_cpk flic flv fits frm gif gxf h261 h263 h264 hevc "
    "hnm idcin iff ifv ingenient ipmovie ipu iv8 ivf ivr jpegxl_anim jv kux lmlm4 live_flv lvf lxf m4v matroska,webm "
    "mgsts mjpeg mjpeg_2000 mlv mm moflex mov,mp4,m4a,3gp,3g2,mj2 mpeg mpegts mpegtsraw mpegvideo mpjpeg msnwctcp mtv "
    "mv mvi mxf mxg nc nsv nut nuv obu ogg paf pmp psxstr pva r3d rawvideo rl2 rm roq rpl sdr2 ser sga siff smjpeg smk "
    "smush swf thp tiertexseq tmv ty usm v210 vc1 vc1test vividas vivo vmd vvc wc3movie webp webp_anim wtv wsvqa xmv "
    "xwma yop yuv4mpegpipe aac ac3 aiff amr ape au caf dts eac3 flac mp3 truehd tta w64 wav wv"
).replace(" ", ",")
# Pixels of a frame: 8192 x 8192. Larger ones are declared by damaged files, and a decoder holds a score of them.
MOST_PIXELS = 1 << 26
# Pictures of each stream that are counted at most to find the film among several.
ENOUGH = 500


def open_video(path: Path) -> tuple[Any, Any]:
    """Open a file and find its film.

    Returns
    -------
    PyAV's container and video stream

    Raises
    ------
    ConfigError  if PyAV is not installed
    FileFormatError  if the file is missing, empty, no video, or holds no video that can be decoded
    """
    container = open_container(path)
    try:
        number = find_film(container, path)
        if len(container.streams.video) > 1:
            # Looking for the film has read some of it.
            container.close()
            container = open_container(path)
    except BaseException:
        container.close()
        raise
    return container, container.streams[number]


def open_container(path: Path) -> Any:
    """Open a file with PyAV, which must not take the file's name for an address, nor its text for a list of others."""
    try:
        import av
    except ImportError as error:
        raise ConfigError("a video needs the package av; pip install 'olacore[video]'.") from error
    if not path.is_file():
        what = "is no regular file" if path.exists() else "is missing"
        raise FileFormatError(f"{path} {what}; expected a video.")
    if path.stat().st_size == 0:
        raise FileFormatError(f"{path} is empty (0 bytes); expected a video.")
    try:
        return av.open(
            f"file:{path.absolute()}",
            metadata_errors="ignore",
            options={"max_pixels": str(MOST_PIXELS)},
            container_options={"protocol_whitelist": "file", "format_whitelist": FORMATS},
        )
    except av.error.ArgumentError as error:
        kind = "is of no kind of video that is read; lists of other files, such as playlists, are not followed"
        raise FileFormatError(f"{path} {kind}.") from error
    # What PyAV raises on text and truncated files is a ValueError or an OSError, and not always its own.
    except Exception as error:
        raise FileFormatError(f"{path} is no video that can be read, or is cut short: {reason(error)}.") from error


def reason(error: BaseException) -> str:
    """What an error says, in a few words."""
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def find_film(container: Any, path: Path) -> int:
    """The index of the stream that is the film: no cover, no thumbnails; of several the one with most to show.

    Raises
    ------
    FileFormatError  if there is none, or none that can be decoded
    """
    from av.stream import Disposition

    beside = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [one for one in container.streams.video if not one.disposition & beside]
    if not streams:
        raise FileFormatError(f"{path} has no video stream; expected one.")
    films = [one for one in streams if one.codec_context is not None]
    if not films:
        raise FileFormatError(f"{path} has video of a kind that cannot be decoded; convert it to another.")
    if len(films) == 1:
        return int(films[0].index)
    counts = count_pictures(container, films)

    def shown(stream: Any) -> int:
        return counts[stream.index] * stream.codec_context.width * stream.codec_context.height

    # A single picture is a cover or a preview, however large.
    moving = [one for one in films if counts[one.index] > 1] or films
    most = max(map(shown, moving))
    near = [one for one in moving if 2 * shown(one) >= most]
    return int(max(near, key=lambda one: bool(one.disposition & Disposition.default)).index)


def count_pictures(container: Any, streams: list[Any]) -> Counter[int]:
    """How many packets each stream has, by its index; no further than where one of them has enough."""
    import av

    counts: Counter[int] = Counter()
    try:
        for packet in container.demux(streams):
            counts[packet.stream.index] += bool(packet.size)
            if counts[packet.stream.index] == ENOUGH:
                break
    except (av.FFmpegError, EOFError):
        pass  # Whoever decodes the film meets the damage again, and counts it.
    return counts
