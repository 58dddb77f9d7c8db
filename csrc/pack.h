// Packing weights: the order in which the tiles read them, so that every read is of the next vector in memory.
#ifndef OSTINATO_PACK_H
#define OSTINATO_PACK_H

#include <cstdint>
#include <cstring>
#include <utility>

#include "sizes.h"

namespace {

// a0 b0 a1 b1 ... of the lower (FROM 0) or upper halves of two vectors.
template <class V, int FROM, int... I> OSTINATO_INLINE V interleave(V a, V b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, ((I & 1) * Lanes<V>::count + FROM + I / 2)...);
}

// Transposes a square of vectors. Each round rotates the bits of (row, lane) by one; log2(lanes) rounds swap them.
template <class V> OSTINATO_INLINE void transpose(V (&rows)[Lanes<V>::count]) {
    constexpr int N = Lanes<V>::count;
    typedef std::make_integer_sequence<int, N> All;
    for (int round = 1; round < N; round *= 2) {
        V next[N];
#pragma GCC unroll 8
        for (int i = 0; i < N / 2; ++i) {
            next[2 * i] = interleave<V, 0>(rows[i], rows[i + N / 2], All());
            next[2 * i + 1] = interleave<V, N / 2>(rows[i], rows[i + N / 2], All());
        }
#pragma GCC unroll 16
        for (int i = 0; i < N; ++i) rows[i] = next[i];
    }
}

// to[k * to_stride + lane] = from[lane * from_stride + k] for `lanes` rows and `length` k; other lanes become 0.
template <class V> void pack_lanes(float* to, int64_t to_stride, const float* from, int64_t from_stride,
                                   int64_t lanes, int64_t length) {
    constexpr int N = Lanes<V>::count;
    int64_t k = 0;
    if (lanes >= N) {
        for (; k + N <= length; k += N) {
            V square[N];
            for (int i = 0; i < N; ++i) square[i] = load<V>(from + i * from_stride + k);
            transpose(square);
            for (int i = 0; i < N; ++i) store(to + (k + i) * to_stride, square[i]);
        }
    }
    for (; k < length; ++k) {
        for (int64_t i = 0; i < N; ++i) to[k * to_stride + i] = i < lanes ? from[i * from_stride + k] : 0.0f;
    }
}

// One unit block of one gate: the rows of h (padded), then those of x.
template <class V> void pack_block(const Sizes& sizes, int64_t scan, const float* const* weights, int64_t gate,
                                   int64_t unit, int64_t stride, float* to) {
    const int64_t row = gate * sizes.hidden + unit;
    const int64_t lanes = std::max<int64_t>(0, sizes.hidden - unit);
    const int64_t input = sizes.input(scan);
    pack_lanes<V>(to, stride, weights[1] + row * sizes.hidden, sizes.hidden, lanes, sizes.hidden);
    for (int64_t k = sizes.hidden; k < sizes.padded; ++k) store(to + k * stride, V{});
    pack_lanes<V>(to + sizes.padded * stride, stride, weights[0] + row * input, input, lanes, input);
}

// The sum of both biases, or those of one side where the other is null; zeros for padded units.
template <class V> void pack_bias(const Sizes& sizes, const float* a, const float* b, int64_t unit, float* to) {
    for (int64_t i = 0; i < Lanes<V>::count; ++i) {
        const bool real = unit + i < sizes.hidden;
        to[i] = real ? (a ? a[unit + i] : 0.0f) + (b ? b[unit + i] : 0.0f) : 0.0f;
    }
}

// Biases of one unit block: LSTM i f g o; GRU r z, then n's on the side of h and on that of x; RNN one.
template <class V> void pack_biases(const Sizes& sizes, const float* const* weights, int64_t unit, float* to) {
    const bool bias = sizes.problem.bias;
    for (int64_t sum = 0; sum < sizes.sums; ++sum) {
        const int64_t gate = std::min(sum, sizes.gates - 1);
        const bool n_of_h = sizes.gru() && sum == 2;
        const bool n_of_x = sizes.gru() && sum == 3;
        const float* a = bias && !n_of_h ? weights[2] + gate * sizes.hidden : nullptr;
        const float* b = bias && !n_of_x ? weights[3] + gate * sizes.hidden : nullptr;
        pack_bias<V>(sizes, a, b, unit, to + sum * Lanes<V>::count);
    }
}

template <class V> void pack_unit_block(const Sizes& sizes, int64_t scan, const float* const* weights, int64_t unit,
                                        float* matrices, float* biases) {
    const int64_t stride = sizes.gates * Lanes<V>::count;
    const int64_t inner = sizes.padded + sizes.input(scan);
    float* to = matrices + unit * sizes.gates * inner;
    for (int64_t gate = 0; gate < sizes.gates; ++gate) {
        pack_block<V>(sizes, scan, weights, gate, unit, stride, to + gate * Lanes<V>::count);
    }
    pack_biases<V>(sizes, weights, unit, biases + unit * sizes.sums);
}

// The part of `count` things that falls to `index` of `parts`.
inline int64_t share(int64_t count, int64_t index, int64_t parts) { return count * index / parts; }

// Weights are packed in parts, by any thread.
struct Part {
    int64_t index, count;

    int64_t begin(int64_t things) const { return share(things, index, count); }
    int64_t end(int64_t things) const { return share(things, index + 1, count); }
};

// The simple RNN has one sum per unit, so its columns are plain panels of several unit blocks.
void pack_rnn(const Sizes& sizes, int64_t scan, const float* const* weights, Part part, float* matrix, float* biases) {
    const int64_t inner = sizes.padded + sizes.input(scan);
    const Panels panels(sizes.padded);
    for (int64_t i = part.begin(panels.count); i < part.end(panels.count); ++i) {
        const Panel panel = panels[i];
        for (int64_t offset = 0; offset < panel.width; offset += WIDE) {
            const int64_t unit = panel.start + offset;
            float* to = matrix + panel.start * inner + offset;
            if (panel.width - offset >= WIDE) {
                pack_block<Wide>(sizes, scan, weights, 0, unit, panel.width, to);
                pack_biases<Wide>(sizes, weights, unit, biases + unit);
            } else {
                pack_block<Half>(sizes, scan, weights, 0, unit, panel.width, to);
                pack_biases<Half>(sizes, weights, unit, biases + unit);
            }
        }
    }
}

void pack_forward(const Sizes& sizes, int64_t scan, const float* const* weights, Part part, float* packed) {
    float* biases = packed + sizes.gates * sizes.padded * (sizes.padded + sizes.input(scan));
    if (sizes.sums == 1) return pack_rnn(sizes, scan, weights, part, packed, biases);
    const int64_t blocks = (sizes.padded + WIDE - 1) / WIDE;
    for (int64_t i = part.begin(blocks); i < part.end(blocks); ++i) {
        const int64_t unit = i * WIDE;
        if (unit + WIDE <= sizes.padded) {
            pack_unit_block<Wide>(sizes, scan, weights, unit, packed, biases);
        } else {
            pack_unit_block<Half>(sizes, scan, weights, unit, packed, biases);
        }
    }
}

// A matrix (gates * H, columns) panel after panel, its rows padded gate by gate and taken in the order of `gates`.
void pack_panels(const Sizes& sizes, const float* from, int64_t columns, const int* gates, Part part, float* to) {
    const Panels panels(round_up(columns, 8));
    for (int64_t i = part.begin(panels.count); i < part.end(panels.count); ++i) {
        const Panel panel = panels[i];
        const int64_t real = std::min(panel.width, columns - panel.start);
        float* row = to + panel.start * sizes.gates * sizes.padded;
        for (int64_t gate = 0; gate < sizes.gates; ++gate) {
            const float* source = from + gates[gate] * sizes.hidden * columns + panel.start;
            for (int64_t unit = 0; unit < sizes.hidden; ++unit, row += panel.width, source += columns) {
                copy_floats(row, source, real);
                for (int64_t k = real; k < panel.width; ++k) row[k] = 0.0f;
            }
            const int64_t rest = (sizes.padded - sizes.hidden) * panel.width;
            std::memset(row, 0, rest * sizeof(float));
            row += rest;
        }
    }
}

// The gradients of a GRU's sums lie in the order n (of x), r, z, n (of h): x needs the first three, h the last three.
void pack_backward(const Sizes& sizes, int64_t scan, const float* const* weights, Part part, float* packed) {
    static const int plain[] = {0, 1, 2, 3};
    static const int n_first[] = {2, 0, 1};
    pack_panels(sizes, weights[1], sizes.hidden, plain, part, packed);
    pack_panels(sizes, weights[0], sizes.input(scan), sizes.gru() ? n_first : plain, part,
                packed + sizes.gates * sizes.padded * sizes.padded);
}

// A quick sum over the bits of all weights in which every place counts differently.
uint64_t fingerprint(const float* values, int64_t count) {
    uint64_t lanes[8] = {};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
        uint64_t words[8];
        std::memcpy(words, values + i, sizeof(words));
        for (int k = 0; k < 8; ++k) lanes[k] = lanes[k] * 0xD1342543DE82EF95u + words[k];
    }
    uint64_t sum = static_cast<uint64_t>(count);
    for (int k = 0; k < 8; ++k) sum = (sum ^ lanes[k]) * 0x9E3779B97F4A7C15u + k;
    for (; i < count; ++i) {
        uint32_t word;
        std::memcpy(&word, values + i, sizeof(word));
        sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
    }
    return sum;
}

}  // namespace

#endif
