"""Snake, compiled: many episodes at once, each with a policy of its own.

The board is a set of bits, position `y (width + 1) + x`; the column behind the last is always taken, so that a shift
by one never leaves its row. A region of free cells grows by shifts until it grows no more.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel, serial
from olacore.kernels.tanh import tanh32

# What a policy sees: see `Snake.observe` of `olacore.play.snake`.
PER_MOVE, MOVES = 4, 3
INPUTS = PER_MOVE * MOVES + 1
# Steps without food after which a snake starves, for each cell of the board.
PATIENCE = 2
ONE, ALL = np.uint64(1), np.uint64(63)
GOLDEN, MIX_1, MIX_2 = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
PAIRS, FOURS, EIGHTS, ONES = (
    np.uint64(c) for c in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)
S27, S30, S31, S32 = (np.uint64(s) for s in (27, 30, 31, 32))


@device
def mixed(number):
    """A 64-bit number that looks random, of another (SplitMix64, Steele, Lea and Flood, OOPSLA 2014)."""
    z = number * GOLDEN
    z = (z ^ (z >> S30)) * MIX_1
    z = (z ^ (z >> S27)) * MIX_2
    return z ^ (z >> S31)


@device
def has(bits, place):
    """Whether a place is in a set."""
    return (bits[place >> 6] >> (np.uint64(place) & ALL)) & ONE


@device
def flip(bits, place):
    """Put a place into a set, or take it out."""
    bits[place >> 6] ^= ONE << (np.uint64(place) & ALL)


@device
def count_bits(bits):
    """How many places a word of a set holds."""
    bits -= (bits >> ONE) & PAIRS
    bits = (bits & FOURS) + ((bits >> np.uint64(2)) & FOURS)
    bits = (bits + (bits >> np.uint64(4))) & EIGHTS
    return np.int64((bits * ONES) >> np.uint64(56))


@device
def grow_region(free, start, stride, region):
    """Write the free places that are connected with `start`, which is free; return how many."""
    words = free.size
    for w in range(words):
        region[w] = np.uint64(0)
    flip(region, start)
    step, rest, last = np.uint64(stride), np.uint64(64 - stride), np.uint64(63)
    changed = True
    while changed:
        changed = False
        for w in range(words):
            here = region[w]
            below = region[w - 1] if w > 0 else np.uint64(0)
            above = region[w + 1] if w + 1 < words else np.uint64(0)
            grown = here | (here << ONE) | (below >> last) | (here >> ONE) | (above << last)
            grown |= (here << step) | (below >> rest) | (here >> step) | (above << rest)
            grown &= free[w]
            # Along the row at once: the carry of a sum runs to the end of a run of free places.
            grown |= ((free[w] + grown) ^ free[w]) & free[w]
            if grown != here:
                region[w] = grown
                changed = True
    count = 0
    for w in range(words):
        count += count_bits(region[w])
    return count


@device
def fill_board(height, width, free):
    """Let every place of the board be free, and none else."""
    for w in range(free.size):
        free[w] = np.uint64(0)
    for y in range(height):
        for x in range(width):
            flip(free, y * (width + 1) + x)


@device
def free_place(free, count, number):
    """The place of one of `count` free ones, as a random number says."""
    left = np.int64((number >> S32) * np.uint64(count) >> S32)
    for w in range(free.size):
        here = count_bits(free[w])
        if left < here:
            bits = free[w]
            for _ in range(left):
                bits &= bits - ONE
            return 64 * w + count_bits((bits & (~bits + ONE)) - ONE)
        left -= here
    return -1


@device
def neighbour(place, direction, height, width):
    """The place one step away, -1 outside the board; directions are up, right, down, left."""
    y, x = place // (width + 1), place % (width + 1)
    y += (direction == 2) - (direction == 0)
    x += (direction == 1) - (direction == 3)
    if y < 0 or y >= height or x < 0 or x >= width:
        return -1
    return y * (width + 1) + x


@device
def distance(one, other, width):
    """Steps between two places on an empty board."""
    return abs(one // (width + 1) - other // (width + 1)) + abs(one % (width + 1) - other % (width + 1))


@device
def observe(height, width, free, count, head, tail, length, food, direction, region, seen):
    """Write what a snake sees before a move, (INPUTS,) float32; `free` has the tail in it, which will have moved."""
    known = -1
    for move in range(MOVES):
        first = PER_MOVE * move
        to = neighbour(head, (direction + move + 3) % 4, height, width)
        blocked = to < 0 or not has(free, to)
        seen[first] = np.float32(1) if blocked else np.float32(0)
        seen[first + 1] = seen[first + 2] = seen[first + 3] = np.float32(0)
        if not blocked:
            seen[first + 1] = np.float32(distance(head, food, width) - distance(to, food, width))
            if known < 0 or not has(region, to):
                known = grow_region(free, to, width + 1, region)
            seen[first + 2] = np.float32(known) / np.float32(count + 1)
            seen[first + 3] = np.float32(1) if has(region, tail) else np.float32(0)
    seen[INPUTS - 1] = np.float32(length) / np.float32(height * width)


@device
def choose(genome, layers, read):
    """The move that a policy prefers; `read` holds the inputs and has room for what its maps answer."""
    start, known = 0, layers[0]
    move = 0
    for layer in range(1, layers.size):
        outputs = layers[layer]
        last = layer == layers.size - 1
        biases = start + outputs * known
        best = np.float32(-np.inf)
        for o in range(outputs):
            # In float64, where products are exact, and rounded then: moves that are equally good stay so in whatever
            # order the processor's vectors add.
            total = np.float64(genome[biases + o])
            for i in range(known):
                total += np.float64(genome[start + o * known + i]) * np.float64(read[i])
            answer = np.float32(total)
            if not last:
                read[known + o] = tanh32(answer)
            elif answer > best:  # tanh would change no order
                best = answer
                move = o
        start = biases + outputs
        known += outputs
    return move


@serial
def play_episode(genome, layers, height, width, seed, episode):
    """Play one episode: what was eaten, and moves made. A parallel loop with all of this in it takes twice as long to
    compile.
    """
    cells, stride = height * width, width + 1
    words = (height * stride + 63) // 64
    room = 0
    for layer in range(layers.size):
        room += layers[layer]
    free, region = np.empty(words, np.uint64), np.empty(words, np.uint64)
    body, read = np.empty(cells, np.int64), np.empty(room, np.float32)
    fill_board(height, width, free)
    stream = mixed(np.uint64(seed) ^ mixed(np.uint64(episode) + ONE))
    # Three cells in the middle, the head to the right.
    length, tail_at = 3, 0
    for k in range(length):
        body[k] = height // 2 * stride + width // 2 - 2 + k
        flip(free, body[k])
    direction, eaten, steps, hungry, food = 1, 0, 0, 0, -1
    while length < cells and hungry < PATIENCE * cells:
        if hungry == 0:
            food = free_place(free, cells - length, mixed(stream + np.uint64(eaten)))
        head, tail = body[(tail_at + length - 1) % cells], body[tail_at]
        flip(free, tail)
        observe(height, width, free, cells - length, head, tail, length, food, direction, region, read)
        direction = (direction + choose(genome, layers, read) + 3) % 4
        to = neighbour(head, direction, height, width)
        steps += 1
        hungry += 1
        if to < 0 or not has(free, to):
            break
        if to == food:
            flip(free, tail)
            eaten += 1
            hungry = 0
        else:
            tail_at = (tail_at + 1) % cells
            length -= 1
        body[(tail_at + length) % cells] = to
        length += 1
        flip(free, to)
    return eaten, steps


@kernel
def play_snake(genomes, layers, height, width, seed, first, out_food, out_steps):
    """Play episodes of Snake, the same ones for every genome.

    Parameters
    ----------
    genomes : (pop, size)
    layers : (maps + 1,) int64  sizes of the policies' inputs, hidden maps and outputs; INPUTS first, MOVES last
    height, width : of the board; at least 2 and 4, at most 32
    seed : non-negative, below 2^63; an episode depends on it and on its number alone
    first : number of the first episode
    out_food : (pop, episodes) int64  written: what was eaten
    out_steps : (pop, episodes) int64  written: moves made
    """
    population, episodes = out_food.shape
    for job in prange(population * episodes):
        p, e = job // episodes, job % episodes
        out_food[p, e], out_steps[p, e] = play_episode(genomes[p], layers, height, width, seed, first + e)
