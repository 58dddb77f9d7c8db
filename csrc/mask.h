// Dropout masks from a counter: the value for a place is a hash of the seed and the place, so that the backward pass
// makes the same mask again, in any order and on any number of threads, and nothing is stored.
#ifndef OSTINATO_MASK_H
#define OSTINATO_MASK_H

#include <cstdint>

#include "sizes.h"

namespace {

struct Dropout {
    uint32_t limit;  // drop where the upper 24 bits of the hash are below it
    float scale;     // of what is kept

    explicit Dropout(double probability)
        : limit(static_cast<uint32_t>(probability * 16777216.0)),
          scale(probability < 1.0 ? static_cast<float>(1.0 / (1.0 - probability)) : 0.0f) {}
};

// The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of the input changes half the bits of the output.
inline uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

inline uint64_t mask_key(int64_t seed, int64_t stream, int64_t row, int64_t t) {
    return mix(mix(mix(static_cast<uint64_t>(seed) + stream * 0x9E3779B97F4A7C15u) + row) + t);
}

inline float mask_value(const Dropout& dropout, uint64_t key, uint32_t place) {
    uint32_t x = place * 0x9E3779B9u + static_cast<uint32_t>(key);
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = ((x ^ x >> 15) + static_cast<uint32_t>(key >> 32)) * 0x846CA68Bu;
    x ^= x >> 16;
    return x >> 8 < dropout.limit ? 0.0f : dropout.scale;
}

void fill_mask(const Dropout& dropout, uint64_t key, int64_t count, float* mask) {
    for (int64_t i = 0; i < count; ++i) mask[i] = mask_value(dropout, key, static_cast<uint32_t>(i));
}

void apply_mask(const Dropout& dropout, uint64_t key, int64_t count, float* values) {
    for (int64_t i = 0; i < count; ++i) values[i] *= mask_value(dropout, key, static_cast<uint32_t>(i));
}

// Streams 0, 1, ... are the inputs of each layer, streams -1, -2, ... the hidden states of each scan.
inline uint64_t layer_key(const OstinatoProblem& p, int64_t layer, int64_t row, int64_t t) {
    return mask_key(p.seed, layer, row, t);
}

inline uint64_t recurrent_key(const OstinatoProblem& p, int64_t scan, int64_t row) {
    return mask_key(p.seed, -1 - scan, row, 0);
}

// The recurrent masks of a chunk's rows, (rows, padded).
void fill_recurrent_masks(const Sizes& sizes, const Chunk& chunk, int64_t scan, float* mask) {
    const Dropout dropout(sizes.problem.recurrent_dropout);
    for (int64_t row = 0; row < chunk.rows; ++row) {
        fill_mask(dropout, recurrent_key(sizes.problem, scan, chunk.original(row)), sizes.hidden,
                  mask + row * sizes.padded);
    }
}

}  // namespace

#endif
