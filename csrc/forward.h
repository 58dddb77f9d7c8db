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
    float *entering, *leaving, *h, *c, *mask;
    float* outputs[2];  // of the layer below and of this one, (T, rows, D * H), at inference
    int64_t stride;     // of entering and leaving

    ForwardBuffers(const Sizes& sizes, int64_t rows, bool keeping, Scratch scratch, int64_t* used = nullptr) {
        stride = round_up(sizes.padded + sizes.widest_input(), 16);
        entering = scratch.take(rows * stride);
        leaving = scratch.take(rows * stride);
        h = scratch.take(rows * sizes.padded);
        c = scratch.take(rows * sizes.padded);
        mask = sizes.problem.recurrent_dropout > 0 ? scratch.take(rows * sizes.padded) : nullptr;
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
    View target;          // its outputs
    View answer;          // the caller's outputs, where they are not the same; otherwise no data
};

// Asks for rows of a later step while this one is computed: rows lie apart, where the processor does not foresee them.
// WRITE is 1 for rows that will be written.
template <int WRITE> void fetch_rows(const View& view, int64_t t, int64_t rows, int64_t width, int64_t time) {
    if (!view.data || t < 0 || t >= time) return;
    for (int64_t row = 0; row < rows; ++row) {
        const float* from = view.at(row, t);
        for (int64_t i = 0; i < width; i += 16) __builtin_prefetch(from + i, WRITE, 2);
        __builtin_prefetch(from + width - 1, WRITE, 2);
    }
}

void begin_scan(const ForwardScan& f, ForwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    load_state(sizes, f.chunk, f.tensors.h0, f.scan, b.h, sizes.padded);
    load_state(sizes, f.chunk, f.tensors.c0, f.scan, b.c, sizes.padded);
    load_state(sizes, f.chunk, f.tensors.h0, f.scan, b.entering, b.stride);
    if (b.mask) {
        fill_recurrent_masks(sizes, f.chunk, f.scan, b.mask);
        for (int64_t row = 0; row < f.chunk.rows; ++row) {
            for (int64_t unit = 0; unit < sizes.hidden; ++unit) {
                b.entering[row * b.stride + unit] *= b.mask[row * sizes.padded + unit];
            }
        }
    }
    // A row that starts late, going backwards, may meet either of the two.
    for (int64_t row = 0; row < f.chunk.rows; ++row) {
        copy_floats(b.leaving + row * b.stride, b.entering + row * b.stride, sizes.padded);
    }
}

void load_inputs(const ForwardScan& f, ForwardBuffers& b, int64_t t, int64_t rows) {
    const int64_t input = f.sizes.input(f.scan);
    const int64_t layer = f.sizes.layer(f.scan);
    const OstinatoProblem& p = f.sizes.problem;
    const Dropout dropout(p.dropout);
    for (int64_t row = 0; row < rows; ++row) {
        float* to = b.entering + row * b.stride + f.sizes.padded;
        copy_floats(to, f.source.at(row, t), input);
        if (layer > 0 && p.dropout > 0) {
            apply_mask(dropout, layer_key(p, layer, f.chunk.original(row), t), input, to);
        }
    }
}

Step make_step(const ForwardScan& f, const ForwardBuffers& b, int64_t t, int64_t rows) {
    const Sizes& sizes = f.sizes;
    const float* packed = f.tensors.packed + sizes.packed_before(f.scan, false);
    Step s{};
    s.rows = rows;
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
    const int64_t place = (t * sizes.batch + f.chunk.first) * sizes.padded;
    s.streaming = sizes.saved() > STREAMED_FLOATS && reinterpret_cast<uintptr_t>(f.tensors.saved) % 64 == 0;
    if (f.tensors.saved && sizes.kept) s.gates = f.tensors.saved + sizes.saved_gates(f.scan) + place * sizes.kept;
    if (f.tensors.saved && sizes.lstm()) s.c_kept = f.tensors.saved + sizes.saved_c(f.scan) + place;
    return s;
}

// h into the rows that have a step t, zeros into the others.
void store_outputs(const ForwardScan& f, const View& to, const float* h, int64_t t, int64_t rows) {
    const Sizes& sizes = f.sizes;
    for (int64_t row = 0; row < rows; ++row) copy_floats(to.at(row, t), h + row * sizes.padded, sizes.hidden);
    for (int64_t row = rows; row < f.chunk.rows; ++row) clear_floats(to.at(row, t), sizes.hidden);
}

// Nothing that is kept stays unwritten, padding included.
void clear_kept(const ForwardScan& f, int64_t t, int64_t rows) {
    const Sizes& sizes = f.sizes;
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
            fetch_rows<0>(f.source, next, rows, sizes.input(f.scan), sizes.time);
            fetch_rows<1>(f.answer.data ? f.answer : f.target, next, rows, sizes.hidden, sizes.time);
            load_inputs(f, b, t, rows);
            step(make_step(f, b, t, rows), sizes.problem.kind);
            std::swap(b.entering, b.leaving);
        }
        store_outputs(f, f.target, b.h, t, rows);
        if (f.answer.data) store_outputs(f, f.answer, b.h, t, rows);
        if (f.tensors.saved) clear_kept(f, t, rows);
    }
    store_state(sizes, f.chunk, b.h, f.scan, f.tensors.hn);
    if (sizes.lstm()) store_state(sizes, f.chunk, b.c, f.scan, f.tensors.cn);
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
        for (int64_t direction = 0; direction < sizes.directions; ++direction) {
            View target = output;
            target.data += direction * sizes.hidden;
            View answer = copied ? chunk.order.view(tensors.y).from_row(chunk.first) : View{};
            if (copied) answer.data += direction * sizes.hidden;
            const ForwardScan scan{sizes, chunk, tensors, layer * sizes.directions + direction, source, target, answer};
            run_forward_scan(scan, b);
        }
        source = output;
    }
}

}  // namespace

#endif
