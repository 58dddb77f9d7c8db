// One backward step of each cell, unit by unit: from the gradient of h (and c) to those of the sums before the gates.
#ifndef OSTINATO_GRADIENTS_H
#define OSTINATO_GRADIENTS_H

#include <cstdint>

#include "sizes.h"

namespace {

// A step of one scan for rows [first, last) of a chunk. P is the number of units padded.
struct BackwardStep {
    int64_t first, last, padded;
    const float* dy;        // (rows, P) gradient of this step's output
    const float* through;   // (rows, P) gradient of h through the next step's gates, before the mask
    float* around;          // (rows, P) gradient of h past the next step's gates; then past this step's
    float* dc;              // (rows, P) gradient of c after this step; then before it
    const float* mask;      // (rows, P) recurrent dropout, or null
    const float* gates;     // (rows, 4 P) kept
    const float* c;         // (rows, P) after this step
    const float* c_before;  // (rows, P)
    const float* h;         // (rows, h_stride) RNN: after this step; GRU: before it
    int64_t h_stride;
    int64_t ahead;          // from the gates of this step to those of the next one to come, in rows
    float* dsums;           // (rows, stride), written: LSTM i f g o; GRU n of x, r, z, n of h; RNN one
    int64_t stride;
};

template <class V> OSTINATO_INLINE V gradient_of_h(const BackwardStep& s, int64_t row, int64_t unit) {
    const int64_t at = row * s.padded + unit;
    const V through = load<V>(s.through + at);
    const V masked = s.mask ? through * load<V>(s.mask + at) : through;
    return load<V>(s.dy + at) + masked + load<V>(s.around + at);
}

// Asks for the gates of the next step to come, which would otherwise be waited for.
template <class V> OSTINATO_INLINE void fetch_ahead(const float* gates) {
    for (int i = 0; i < 4 * Lanes<V>::count; i += 16) __builtin_prefetch(gates + i, 0, 2);
}

template <class V> OSTINATO_INLINE V one_minus(V x) { return 1.0f - x; }

template <class V> OSTINATO_INLINE void lstm_gradients(const BackwardStep& s, int64_t row, int64_t unit) {
    constexpr int N = Lanes<V>::count;
    const int64_t at = row * s.padded + unit;
    const float* gates = s.gates + at * 4;
    fetch_ahead<V>(gates + s.ahead * s.padded * 4);
    const V i = load<V>(gates), f = load<V>(gates + N), g = load<V>(gates + 2 * N), o = load<V>(gates + 3 * N);
    const V dh = gradient_of_h<V>(s, row, unit);
    const V tanh_c = tanh(load<V>(s.c + at));
    const V dc = multiply_add(dh * o, one_minus(tanh_c * tanh_c), load<V>(s.dc + at));
    float* to = s.dsums + row * s.stride + unit;
    store(to, dc * g * (i * one_minus(i)));
    store(to + s.padded, dc * load<V>(s.c_before + at) * (f * one_minus(f)));
    store(to + 2 * s.padded, dc * i * one_minus(g * g));
    store(to + 3 * s.padded, dh * tanh_c * (o * one_minus(o)));
    store(s.dc + at, dc * f);
    store(s.around + at, V{});
}

template <class V> OSTINATO_INLINE void gru_gradients(const BackwardStep& s, int64_t row, int64_t unit) {
    constexpr int N = Lanes<V>::count;
    const int64_t at = row * s.padded + unit;
    const float* gates = s.gates + at * 4;
    fetch_ahead<V>(gates + s.ahead * s.padded * 4);
    const V r = load<V>(gates), z = load<V>(gates + N), n = load<V>(gates + 2 * N), sum = load<V>(gates + 3 * N);
    const V dh = gradient_of_h<V>(s, row, unit);
    const V dn = dh * one_minus(z) * one_minus(n * n);
    float* to = s.dsums + row * s.stride + unit;
    store(to, dn);
    store(to + s.padded, dn * sum * (r * one_minus(r)));
    store(to + 2 * s.padded, dh * (load<V>(s.h + row * s.h_stride + unit) - n) * (z * one_minus(z)));
    store(to + 3 * s.padded, dn * r);
    store(s.around + at, dh * z);
}

// relu's gradient is taken as 0 at 0; h > 0 tells whether the sum was.
template <class V> OSTINATO_INLINE void rnn_gradients(const BackwardStep& s, bool relu, int64_t row, int64_t unit) {
    const int64_t at = row * s.padded + unit;
    const V h = load<V>(s.h + row * s.h_stride + unit);
    const V dh = gradient_of_h<V>(s, row, unit);
    const V zero = {};
    store(s.dsums + row * s.stride + unit, relu ? (h > zero ? dh : zero) : dh * one_minus(h * h));
    store(s.around + at, V{});
}

template <class V> OSTINATO_INLINE void unit_gradients(const BackwardStep& s, int64_t kind, int64_t row, int64_t unit) {
    if (kind == OSTINATO_LSTM) {
        lstm_gradients<V>(s, row, unit);
    } else if (kind == OSTINATO_GRU) {
        gru_gradients<V>(s, row, unit);
    } else {
        rnn_gradients<V>(s, kind == OSTINATO_RNN_RELU, row, unit);
    }
}

void step_gradients(const BackwardStep& s, int64_t kind) {
    for (int64_t row = s.first; row < s.last; ++row) {
        int64_t unit = 0;
        for (; unit + WIDE <= s.padded; unit += WIDE) unit_gradients<Wide>(s, kind, row, unit);
        if (unit < s.padded) unit_gradients<Half>(s, kind, row, unit);
    }
}

}  // namespace

#endif
