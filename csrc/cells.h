// One forward step of each cell for a few rows: [h; x] times the weights in registers, the activations, the new state.
#ifndef OSTINATO_CELLS_H
#define OSTINATO_CELLS_H

#include <cstdint>

#include "sizes.h"

namespace {

// A step of one scan for the first `rows` rows of a chunk. P is the number of units padded.
struct Step {
    int64_t rows, padded, input;
    const float* packed;    // from pack_forward
    const float* biases;
    const float* entering;  // (rows, stride): h padded to P, then x
    float* leaving;         // the same for the next step; its h is written
    int64_t stride;
    float* h;               // (rows, P) state, updated
    float* c;               // (rows, P) state, updated, LSTM only
    float* gates;           // (rows, 4 P) kept for the backward pass, or null
    float* c_kept;          // (rows, P) kept for the backward pass, or null
    bool streaming;         // store the gates past the caches
    const float* mask;      // (rows, P) recurrent dropout, or null
};

template <class V> OSTINATO_INLINE void leave(const Step& s, int64_t row, int64_t unit, V h) {
    const int64_t at = row * s.padded + unit;
    store(s.h + at, h);
    store(s.leaving + row * s.stride + unit, s.mask ? h * load<V>(s.mask + at) : h);
}

// Keeps the four values of a unit block next to each other, block after block.
template <class V> OSTINATO_INLINE void keep(const Step& s, int64_t row, int64_t unit, V a, V b, V c, V d) {
    if (!s.gates) return;
    constexpr int N = Lanes<V>::count;
    float* to = s.gates + (row * s.padded + unit) * 4;
    if (s.streaming) {
        stream(to, a);
        stream(to + N, b);
        stream(to + 2 * N, c);
        stream(to + 3 * N, d);
    } else {
        store(to, a);
        store(to + N, b);
        store(to + 2 * N, c);
        store(to + 3 * N, d);
    }
}

// sums[r][...] += a(r, k) * weights(k, ...) for three or four sums; the third of three goes to sum number THIRD.
template <class V, int HEIGHT, int GATES, int THIRD>
OSTINATO_INLINE void accumulate(V (&sums)[HEIGHT][4], const float* a, int64_t stride, const float* weights,
                                int64_t inner) {
    constexpr int N = Lanes<V>::count;
    for (int64_t k = 0; k < inner; ++k, weights += GATES * N) {
        V columns[GATES];
#pragma GCC unroll 4
        for (int g = 0; g < GATES; ++g) columns[g] = load<V>(weights + g * N);
#pragma GCC unroll 6
        for (int r = 0; r < HEIGHT; ++r) {
            const V value = broadcast<V>(a[r * stride + k]);
#pragma GCC unroll 4
            for (int g = 0; g < GATES; ++g) {
                V& sum = sums[r][g == 2 ? THIRD : g];
                sum = multiply_add(value, columns[g], sum);
            }
        }
    }
}

template <class V, int HEIGHT> OSTINATO_INLINE void start_with_biases(V (&sums)[HEIGHT][4], const Step& s, int64_t unit) {
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
        const V bias = load<V>(s.biases + unit * 4 + g * Lanes<V>::count);
#pragma GCC unroll 6
        for (int r = 0; r < HEIGHT; ++r) sums[r][g] = bias;
    }
}

// i, f, o = sigmoid(...), g = tanh(...); c = f c + i g; h = o tanh(c). Hochreiter & Schmidhuber 1997, Gers et al. 2000.
template <class V, int HEIGHT> void lstm_tile(const Step& s, int64_t row, int64_t unit) {
    const int64_t inner = s.padded + s.input;
    V sums[HEIGHT][4];
    start_with_biases<V, HEIGHT>(sums, s, unit);
    accumulate<V, HEIGHT, 4, 2>(sums, s.entering + row * s.stride, s.stride, s.packed + unit * 4 * inner, inner);
#pragma GCC unroll 6
    for (int r = 0; r < HEIGHT; ++r) {
        const V i = sigmoid(sums[r][0]);
        const V f = sigmoid(sums[r][1]);
        const V g = tanh(sums[r][2]);
        const V o = sigmoid(sums[r][3]);
        float* state = s.c + (row + r) * s.padded + unit;
        const V c = multiply_add(f, load<V>(state), i * g);
        store(state, c);
        keep(s, row + r, unit, i, f, g, o);
        if (s.c_kept) store(s.c_kept + (row + r) * s.padded + unit, c);
        leave(s, row + r, unit, o * tanh(c));
    }
}

// r, z = sigmoid(...); n = tanh(x's part + r * h's part); h = n + z (h - n). Cho et al. 2014, as torch places r.
template <class V, int HEIGHT> void gru_tile(const Step& s, int64_t row, int64_t unit) {
    constexpr int N = Lanes<V>::count;
    const float* weights = s.packed + unit * 3 * (s.padded + s.input);
    const float* entering = s.entering + row * s.stride;
    V sums[HEIGHT][4];
    start_with_biases<V, HEIGHT>(sums, s, unit);
    accumulate<V, HEIGHT, 3, 2>(sums, entering, s.stride, weights, s.padded);
    accumulate<V, HEIGHT, 3, 3>(sums, entering + s.padded, s.stride, weights + s.padded * 3 * N, s.input);
#pragma GCC unroll 6
    for (int k = 0; k < HEIGHT; ++k) {
        const V r = sigmoid(sums[k][0]);
        const V z = sigmoid(sums[k][1]);
        const V n = tanh(multiply_add(r, sums[k][2], sums[k][3]));
        const V before = load<V>(s.h + (row + k) * s.padded + unit);
        keep(s, row + k, unit, r, z, n, sums[k][2]);
        leave(s, row + k, unit, multiply_add(z, before - n, n));
    }
}

typedef void (*CellTile)(const Step&, int64_t row, int64_t unit);

template <class V, int HEIGHT> CellTile tile_of_cell(bool lstm) {
    return lstm ? static_cast<CellTile>(lstm_tile<V, HEIGHT>) : gru_tile<V, HEIGHT>;
}

template <class V> CellTile cell_tile(bool lstm, int64_t height) {
    if constexpr (ROWS == 6) {
        if (height == 6) return tile_of_cell<V, 6>(lstm);
        if (height == 5) return tile_of_cell<V, 5>(lstm);
        if (height == 4) return tile_of_cell<V, 4>(lstm);
    }
    if (height == 3) return tile_of_cell<V, 3>(lstm);
    if (height == 2) return tile_of_cell<V, 2>(lstm);
    return tile_of_cell<V, 1>(lstm);
}

// Unit blocks outside, row tiles inside: the weights of a block stay in cache for all rows.
void step_gated(const Step& s, bool lstm) {
    const Tiles tiles(s.rows);
    for (int64_t unit = 0; unit < s.padded; unit += WIDE) {
        const bool wide = s.padded - unit >= WIDE;
        for (int64_t i = 0; i < tiles.count; ++i) {
            const int64_t height = tiles.start(i + 1) - tiles.start(i);
            (wide ? cell_tile<Wide>(lstm, height) : cell_tile<Half>(lstm, height))(s, tiles.start(i), unit);
        }
    }
}

template <class V> OSTINATO_INLINE void activate(const Step& s, bool relu, int64_t row, int64_t unit) {
    const V sum = load<V>(s.leaving + row * s.stride + unit) + load<V>(s.biases + unit);
    leave(s, row, unit, relu ? at_least(V{}, sum) : tanh(sum));
}

// h = tanh(W [h; x] + b), or relu. Elman 1990.
void step_rnn(const Step& s, bool relu) {
    multiply_packed({s.entering, s.stride, s.packed, 0, s.padded + s.input, s.leaving, s.stride, false}, s.rows,
                    s.padded);
    for (int64_t row = 0; row < s.rows; ++row) {
        int64_t unit = 0;
        for (; unit + WIDE <= s.padded; unit += WIDE) activate<Wide>(s, relu, row, unit);
        if (unit < s.padded) activate<Half>(s, relu, row, unit);
    }
}

void step(const Step& s, int64_t kind) {
    if (kind == OSTINATO_LSTM || kind == OSTINATO_GRU) return step_gated(s, kind == OSTINATO_LSTM);
    step_rnn(s, kind == OSTINATO_RNN_RELU);
}

}  // namespace

#endif
