// The forward pass: one chunk of rows through all layers, directions and steps.
#ifndef OSTINATO_FORWARD_H
#define OSTINATO_FORWARD_H

#include <cstdint>
#include <cstring>
#include <utility>

#include "cells.h"
#include "mask.h"
#include "sizes.h"

namespace {

void clear_floats(float* to, int64_t count) { std::memset(to, 0, count * sizeof(float)); }

// What is kept beyond this size has left the caches before the backward pass comes for it.
constexpr int64_t STREAMED_FLOATS = 1 << 21;

// A state `(B, H)` of one scan into rows padded to `stride`; zeros where there is none.
void load_state(const Sizes& sizes, const Chunk& chunk, const float* from, int64_t scan, float* to, int64_t stride) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
        clear_floats(to + row * stride, sizes.padded);
        if (!from) continue;
        copy_floats(to + row * stride, from + (scan * sizes.batch + chunk.original(row)) * sizes.hidden, sizes.hidden);
    }
}

void store_state(const Sizes& sizes, const Chunk& chunk, const float* from, int64_t scan, float* to) {
    if (!to) return;
    for (int64_t row = 0; row < chunk.rows; ++row) {
        float* place = to + (scan * sizes.batch + chunk.original(row)) * sizes.hidden;
        copy_floats(place, from + row * sizes.padded, sizes.hidden);
    }
}

// What one thread needs for a chunk. Built once without memory to learn how much it takes.
struct ForwardBuffers {
    float *entering, *leaving, *h;  // (rows, stride); h for a GRU with a mask alone
    float *c, *mask;                // (rows, padded)
    float* x;                       // (rows, x_stride), for inputs that cannot be read where they are
    int64_t stride, x_stride;
    float* outputs[2];  // of the layer below and of this one, (T, rows, D * H), at inference

    ForwardBuffers(const Sizes& sizes, int64_t rows, bool keeping, Scratch scratch, int64_t* used = nullptr) {
        const bool masked = sizes.problem.recurrent_dropout > 0;
        stride = round_up(sizes.padded, 16);
        x_stride = round_up(sizes.widest_input(), 16);
        x = scratch.take(rows * x_stride);
        entering = scratch.take(rows * stride);
        leaving = scratch.take(rows * stride);
        c = scratch.take(rows * sizes.padded);
        h = masked && sizes.gru() ? scratch.take(rows * stride) : nullptr;
        mask = masked ? scratch.take(rows * sizes.padded) : nullptr;
        const bool between = sizes.problem.layers > 1 && !keeping;
        for (float*& output : outputs) {
            output = between ? scratch.take(sizes.time * rows * sizes.directions * sizes.hidden) : nullptr;
        }
        if (used) *used = scratch.used;
    }
};

// One chunk on its way through one scan.
struct ForwardScan {
    const Sizes& sizes;
    const Chunk& chunk;
    const OstinatoForward& tensors;
    int64_t scan;
    View source;          // its inputs
    View outputs[2];      // its outputs, and the caller's where they are not the same
    int64_t output_count;
};

// Asks for rows of a later step while this one is computed. WRITE is 1 for rows that will be written.
template <int WRITE> void fetch_rows(const View& view, int64_t t, int64_t rows, int64_t width, int64_t time) {
    if (!view.data || t < 0 || t >= time) return;
    for (int64_t row = 0; row < rows; ++row) {
        const float* from = view.at(row, t);
        for (int64_t i = 0; i < width - 1; i += 16) __builtin_prefetch(from + i, WRITE, 2);
        __builtin_prefetch(from + width - 1, WRITE, 2);
    }
}

// The same where rows lie apart; others the processor foresees, or they are still in its caches.
template <int WRITE> void fetch_scattered(const View& view, int64_t t, int64_t rows, int64_t width, int64_t time) {
    if (!view.compact(width)) fetch_rows<WRITE>(view, t, rows, width, time);
}

void begin_scan(const ForwardScan& f, ForwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    load_state(sizes, f.chunk, f.tensors.c0, f.scan, b.c, sizes.padded);
    load_state(sizes, f.chunk, f.tensors.h0, f.scan, b.entering, b.stride);
    if (b.h) copy_floats(b.h, b.entering, f.chunk.rows * b.stride);
    if (b.mask) {
        fill_recurrent_masks(sizes, f.chunk, f.scan, b.mask);
        for (int64_t row = 0; row < f.chunk.rows; ++row) {
            float* h = b.entering + row * b.stride;
            for (int64_t unit = 0; unit < sizes.hidden; ++unit) h[unit] *= b.mask[row * sizes.padded + unit];
        }
    }
    // A row that starts late, going backwards, may meet either of the two.
    copy_floats(b.leaving, b.entering, f.chunk.rows * b.stride);
}

// The state after each row's last step is its output there, or the initial state where it has no step.
void store_final(const ForwardScan& f, const ForwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    for (int64_t row = 0; row < f.chunk.rows; ++row) {
        const int64_t place = (f.scan * sizes.batch + f.chunk.original(row)) * sizes.hidden;
        const int64_t length = f.chunk.length(row);
        if (length > 0) {
            const int64_t last = f.scan % sizes.directions == 1 ? 0 : length - 1;
            copy_floats(f.tensors.hn + place, f.outputs[0].at(row, last), sizes.hidden);
        } else if (f.tensors.h0) {
            copy_floats(f.tensors.hn + place, f.tensors.h0 + place, sizes.hidden);
        } else {
            clear_floats(f.tensors.hn + place, sizes.hidden);
        }
    }
    if (sizes.lstm()) store_state(sizes, f.chunk, b.c, f.scan, f.tensors.cn);
}

// Points the step to its inputs, or to a copy where they lie apart or a mask changes them.
void set_inputs(const ForwardScan& f, const ForwardBuffers& b, int64_t t, Step& s) {
    const int64_t layer = f.sizes.layer(f.scan);
    const OstinatoProblem& p = f.sizes.problem;
    const bool masked = layer > 0 && p.dropout > 0;
    if (!masked && f.source.compact(s.input)) {
        s.x = f.source.at(0, t);
        s.x_stride = f.source.row_stride;
        return;
    }
    const Dropout dropout(p.dropout);
    for (int64_t row = 0; row < s.rows; ++row) {
        float* to = b.x + row * b.x_stride;
        copy_floats(to, f.source.at(row, t), s.input);
        if (masked) apply_mask(dropout, layer_key(p, layer, f.chunk.original(row), t), s.input, to);
    }
    s.x = b.x;
    s.x_stride = b.x_stride;
}

Step make_step(const ForwardScan& f, const ForwardBuffers& b, int64_t t, int64_t rows) {
    const Sizes& sizes = f.sizes;
    const float* packed = f.tensors.packed + sizes.packed_before(f.scan, false);
    Step s{};
    s.rows = rows;
    s.hidden = sizes.hidden;
    s.padded = sizes.padded;
    s.input = sizes.input(f.scan);
    s.packed = packed;
    s.biases = packed + sizes.gates * sizes.padded * (sizes.padded + s.input);
    s.entering = b.entering;
    s.leaving = b.leaving;
    s.stride = b.stride;
    s.h = b.h;
    s.c = b.c;
    s.mask = b.mask;
    s.output_count = f.output_count;
    for (int64_t i = 0; i < f.output_count; ++i) s.outputs[i] = f.outputs[i].from_step(t);
    set_inputs(f, b, t, s);
    const int64_t place = (t * sizes.batch + f.chunk.first) * sizes.padded;
    s.streaming = sizes.saved() > STREAMED_FLOATS && reinterpret_cast<uintptr_t>(f.tensors.saved) % 64 == 0;
    if (f.tensors.saved && sizes.kept) s.gates = f.tensors.saved + sizes.saved_gates(f.scan) + place * sizes.kept;
    if (f.tensors.saved && sizes.lstm()) s.c_kept = f.tensors.saved + sizes.saved_c(f.scan) + place;
    return s;
}

// Rows without a step t: zeros into the outputs, and nothing that is kept stays unwritten.
void clear_rest(const ForwardScan& f, int64_t t, int64_t rows) {
    const Sizes& sizes = f.sizes;
    if (rows == f.chunk.rows) return;
    for (int64_t i = 0; i < f.output_count; ++i) {
        for (int64_t row = rows; row < f.chunk.rows; ++row) clear_floats(f.outputs[i].at(row, t), sizes.hidden);
    }
    if (!f.tensors.saved) return;
    const int64_t count = (f.chunk.rows - rows) * sizes.padded;
    const int64_t place = (t * sizes.batch + f.chunk.first + rows) * sizes.padded;
    clear_floats(f.tensors.saved + sizes.saved_gates(f.scan) + place * sizes.kept, count * sizes.kept);
    if (sizes.lstm()) clear_floats(f.tensors.saved + sizes.saved_c(f.scan) + place, count);
}

void run_forward_scan(const ForwardScan& f, ForwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    const bool reverse = f.scan % sizes.directions == 1;
    begin_scan(f, b);
    for (int64_t i = 0; i < sizes.time; ++i) {
        const int64_t t = reverse ? sizes.time - 1 - i : i;
        const int64_t rows = f.chunk.active(t);
        if (rows > 0) {
            const int64_t next = reverse ? t - 1 : t + 1;
            fetch_scattered<0>(f.source, next, rows, sizes.input(f.scan), sizes.time);
            fetch_scattered<1>(f.outputs[f.output_count - 1], next, rows, sizes.hidden, sizes.time);
            step(make_step(f, b, t, rows), sizes.problem.kind);
            std::swap(b.entering, b.leaving);
        }
        clear_rest(f, t, rows);
    }
    store_final(f, b);
}

// Where a layer's outputs go: what is saved for the backward pass, the caller's tensor, or scratch memory. The caller
// may change his tensor before the backward pass comes, so that pass has outputs of its own.
View output_of(const Sizes& sizes, const Chunk& chunk, const OstinatoForward& tensors, const ForwardBuffers& b,
               int64_t layer) {
    const int64_t width = sizes.directions * sizes.hidden;
    if (tensors.saved) {
        return {tensors.saved + sizes.saved_outputs(layer) + chunk.first * width, width, sizes.batch * width, nullptr};
    }
    if (layer == sizes.problem.layers - 1) return chunk.order.view(tensors.y).from_row(chunk.first);
    return {b.outputs[layer % 2], width, chunk.rows * width, nullptr};
}

void run_forward_chunk(const Sizes& sizes, const Chunk& chunk, const OstinatoForward& tensors, ForwardBuffers b) {
    View source = chunk.order.view(tensors.x).from_row(chunk.first);
    for (int64_t layer = 0; layer < sizes.problem.layers; ++layer) {
        const View output = output_of(sizes, chunk, tensors, b, layer);
        const bool copied = tensors.saved && layer == sizes.problem.layers - 1;
        const View answer = copied ? chunk.order.view(tensors.y).from_row(chunk.first) : View{};
        for (int64_t direction = 0; direction < sizes.directions; ++direction) {
            ForwardScan scan{sizes, chunk, tensors, layer * sizes.directions + direction, source, {output, answer},
                             copied ? 2 : 1};
            for (int64_t i = 0; i < scan.output_count; ++i) scan.outputs[i].data += direction * sizes.hidden;
            run_forward_scan(scan, b);
        }
        source = output;
    }
}

}  // namespace

#endif
