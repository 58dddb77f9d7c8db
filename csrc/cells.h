// One forward step of each cell for a few rows: h and x times the weights in registers, the activations, the new state,
// each number stored once, where it belongs.
#ifndef OSTINATO_CELLS_H
#define OSTINATO_CELLS_H

#include <cstdint>

#include "sizes.h"

namespace {

// A step of one scan for the first `rows` rows of a chunk. P is the number of units padded.
struct Step {
    int64_t rows, hidden, padded, input;
    const float* packed;    // from pack_forward
    const float* biases;
    const float* entering;  // (rows, stride) h, masked
    const float* x;         // (rows, x_stride)
    int64_t x_stride;
    float* leaving;         // (rows, stride) h for the next step, written, masked
    int64_t stride;
    float* h;               // (rows, stride) h as it is, updated, for a GRU with a mask, or null
    float* c;               // (rows, P) state, updated, LSTM only
    float* gates;           // (rows, 4 P) kept for the backward pass, or null
    float* c_kept;          // (rows, P) kept for the backward pass, or null
    bool streaming;         // store the gates past the caches
    const float* mask;      // (rows, P) recurrent dropout, or null
    View outputs[2];        // where h also goes, from this step on: one view, or two
    int64_t output_count;
};

// Where h of one row goes. Read once: the compiler must take every store for one that may change a Step.
struct Row {
    float *h, *leaving, *first, *second;
    const float* mask;
    int64_t hidden;

    OSTINATO_INLINE Row(const Step& s, int64_t row)
        : h(s.h ? s.h + row * s.stride : nullptr), leaving(s.leaving + row * s.stride), first(s.outputs[0].at(row, 0)),
          second(s.output_count > 1 ? s.outputs[1].at(row, 0) : nullptr),
          mask(s.mask ? s.mask + row * s.padded : nullptr), hidden(s.hidden) {}

    template <class V> OSTINATO_INLINE void leave(int64_t unit, V value) const {
        if (h) store(h + unit, value);
        store(leaving + unit, mask ? value * load<V>(mask + unit) : value);
        store_first(first + unit, value, hidden - unit);
        if (second) store_first(second + unit, value, hidden - unit);
    }
};

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
    constexpr int N = Lanes<V>::count;
    const float* weights = s.packed + unit * 4 * (s.padded + s.input);
    V sums[HEIGHT][4];
    start_with_biases<V, HEIGHT>(sums, s, unit);
    accumulate<V, HEIGHT, 4, 2>(sums, s.entering + row * s.stride, s.stride, weights, s.padded);
    accumulate<V, HEIGHT, 4, 2>(sums, s.x + row * s.x_stride, s.x_stride, weights + s.padded * 4 * N, s.input);
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
        Row(s, row + r).leave(unit, o * tanh(c));
    }
}

// r, z = sigmoid(...); n = tanh(x's part + r * h's part); h = n + z (h - n). Cho et al. 2014, as torch places r.
template <class V, int HEIGHT> void gru_tile(const Step& s, int64_t row, int64_t unit) {
    constexpr int N = Lanes<V>::count;
    const float* weights = s.packed + unit * 3 * (s.padded + s.input);
    V sums[HEIGHT][4];
    start_with_biases<V, HEIGHT>(sums, s, unit);
    accumulate<V, HEIGHT, 3, 2>(sums, s.entering + row * s.stride, s.stride, weights, s.padded);
    accumulate<V, HEIGHT, 3, 3>(sums, s.x + row * s.x_stride, s.x_stride, weights + s.padded * 3 * N, s.input);
#pragma GCC unroll 6
    for (int k = 0; k < HEIGHT; ++k) {
        const V r = sigmoid(sums[k][0]);
        const V z = sigmoid(sums[k][1]);
        const V n = tanh(multiply_add(r, sums[k][2], sums[k][3]));
        const V before = load<V>((s.h ? s.h : s.entering) + (row + k) * s.stride + unit);
        keep(s, row + k, unit, r, z, n, sums[k][2]);
        Row(s, row + k).leave(unit, multiply_add(z, before - n, n));
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

template <class V> OSTINATO_INLINE void activate(const Row& to, const float* biases, bool relu, int64_t unit, const float* sums) {
    const V sum = load<V>(sums) + load<V>(biases + unit);
    to.leave(unit, relu ? at_least(V{}, sum) : tanh(sum));
}

// The sums of a tile, (rows, PANEL * WIDE), become h.
void activate_tile(const Step& s, bool relu, int64_t row, int64_t height, const Panel& panel, const float* sums) {
    const float* biases = s.biases;
    const int64_t start = panel.start, wide = panel.width / WIDE * WIDE, width = panel.width;
    for (int64_t r = 0; r < height; ++r, sums += PANEL * WIDE) {
        const Row to(s, row + r);
        for (int64_t i = 0; i < wide; i += WIDE) activate<Wide>(to, biases, relu, start + i, sums + i);
        if (wide < width) activate<Half>(to, biases, relu, start + wide, sums + wide);
    }
}

// The sums of a simple RNN, of which there is one per unit, so that a tile holds several unit blocks.
struct RnnSums {
    typedef void (*Function)(const Step&, int64_t row, const Panel&, float* sums);

    template <int HEIGHT, int VECTORS, bool HALVED>
    static void tile(const Step& s, int64_t row, const Panel& panel, float* to) {
        constexpr int FULL = VECTORS - HALVED, WIDTH = FULL * WIDE + HALVED * HALF;
        const float* weights = s.packed + panel.start * (s.padded + s.input);
        Sums<HEIGHT, VECTORS, HALVED> sums;
        accumulate_tile<false>(sums, s.entering + row * s.stride, s.stride, weights, WIDTH, s.padded);
        accumulate_tile<false>(sums, s.x + row * s.x_stride, s.x_stride, weights + s.padded * WIDTH, WIDTH, s.input);
#pragma GCC unroll 6
        for (int r = 0; r < HEIGHT; ++r) {
#pragma GCC unroll 4
            for (int n = 0; n < FULL; ++n) store(to + (r * PANEL + n) * WIDE, sums.full[r][n]);
            if (HALVED) store(to + (r * PANEL + FULL) * WIDE, sums.ends[r]);
        }
    }
};

// h = tanh(W [h; x] + b), or relu. Elman 1990.
void step_rnn(const Step& s, bool relu) {
    alignas(64) float sums[ROWS * PANEL * WIDE];
    const Tiles tiles(s.rows);
    const Panels panels(s.padded);
    for (int64_t i = 0; i < panels.count; ++i) {
        const Panel panel = panels[i];
        for (int64_t k = 0; k < tiles.count; ++k) {
            const int64_t row = tiles.start(k), height = tiles.start(k + 1) - row;
            tile_function<RnnSums>(height, panel)(s, row, panel, sums);
            activate_tile(s, relu, row, height, panel, sums);
        }
    }
}

void step(const Step& s, int64_t kind) {
    if (kind == OSTINATO_LSTM || kind == OSTINATO_GRU) return step_gated(s, kind == OSTINATO_LSTM);
    step_rnn(s, kind == OSTINATO_RNN_RELU);
}

}  // namespace

#endif
