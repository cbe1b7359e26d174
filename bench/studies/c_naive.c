/* A decoder of patches in the plainest loops that compilers still make vectors of: site after site, map after map, all
   answers of a map at once. For comparison with the exported header; compile with -O3. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define MOST 4096 /* numbers of a site: inputs and all answers */

static size_t repeat(ptrdiff_t index, size_t size)
{
    return index < 0 ? 0 : (size_t)index < size ? (size_t)index : size - 1;
}

/* sizes: inputs, then answers of each of `maps` maps. weights: (inputs, answers) of one map after the other. */
static const float *answer(const float *weights, const float *biases, const int *sizes, int maps, float *known)
{
    size_t width = (size_t)sizes[0], first = 0;
    for (int m = 1; m <= maps; ++m) {
        const size_t count = (size_t)sizes[m];
        float *sums = known + width;
        for (size_t o = 0; o < count; ++o) sums[o] = biases[o];
        for (size_t k = 0; k < width; ++k)
            for (size_t o = 0; o < count; ++o) sums[o] += weights[k * count + o] * known[k];
        for (size_t o = 0; o < count; ++o) sums[o] = tanhf(sums[o]);
        weights += width * count;
        biases += count;
        first = width;
        width += count;
    }
    return known + first;
}

/* latents: (channels, height, width). rgb: (8 height, 8 width, 3). gain and shift: of the 192 colours of a site. */
void naive_decode(const float *latents, int channels, int height, int width, int window, const float *weights,
    const float *biases, const int *sizes, int maps, const float *gain, const float *shift, uint8_t *rgb)
{
    const size_t h = (size_t)height, w = (size_t)width;
    static _Thread_local float known[MOST];
    for (size_t y = 0; y < h; ++y) {
        for (size_t x = 0; x < w; ++x) {
            float *place = known;
            const float *values;
            for (size_t c = 0; c < (size_t)channels; ++c)
                for (int i = -(window / 2); i <= window / 2; ++i)
                    for (int j = -(window / 2); j <= window / 2; ++j)
                        *place++ = latents[(c * h + repeat((ptrdiff_t)y + i, h)) * w + repeat((ptrdiff_t)x + j, w)];
            values = answer(weights, biases, sizes, maps, known);
            for (size_t r = 0; r < 8; ++r) {
                for (size_t i = 0; i < 24; ++i) {
                    const float level = (values[24 * r + i] * gain[24 * r + i] + shift[24 * r + i] + 1) * 127.5f;
                    rgb[(8 * y + r) * 24 * w + 24 * x + i] =
                        (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level + 0.5f);
                }
            }
        }
    }
}
