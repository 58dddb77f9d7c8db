// What the backward pass works with: a group of rows on its way back, and the blocks of steps that it takes at a time.
#ifndef OSTINATO_BLOCKS_H
#define OSTINATO_BLOCKS_H

#include <algorithm>
#include <cstdint>

#include "forward.h"
#include "mask.h"
#include "sizes.h"

namespace {

constexpr int64_t CHUNK_ROWS = 32;

// How many rows times steps a block holds: enough for the products to be worth it, little enough for the cache.
constexpr int64_t MOST_BLOCK_ROWS = 256;
int64_t block_rows(const Sizes& sizes) {
    const int64_t per_row = sizes.sums * sizes.padded + sizes.padded + sizes.widest_input();
    return std::min<int64_t>(MOST_BLOCK_ROWS, std::max<int64_t>(64, 131072 * 2 / per_row));
}

// Sums of gradients of one scan's weights: (sums * P, columns) for columns [x padded; h padded], and the biases.
struct Accumulator {
    float* matrix;
    float* biases;
    int64_t columns;

    static int64_t size(const Sizes& sizes, int64_t scan) {
        const int64_t rows = sizes.sums * sizes.padded;
        return round_up(rows * (sizes.padded_input(scan) + sizes.padded) + rows, 16);
    }
    static int64_t size_of_all(const Sizes& sizes) {
        int64_t total = 0;
        for (int64_t scan = 0; scan < sizes.scans; ++scan) total += size(sizes, scan);
        return total;
    }
    static Accumulator of(const Sizes& sizes, int64_t scan, float* base) {
        for (int64_t s = 0; s < scan; ++s) base += size(sizes, s);
        const int64_t columns = sizes.padded_input(scan) + sizes.padded;
        return {base, base + sizes.sums * sizes.padded * columns, columns};
    }
};

// What one thread needs. Built once without memory to learn how much it takes.
struct BackwardBuffers {
    int64_t block, stride, operand_stride;
    float *dsums;      // (block, stride)
    float *operands;   // (block, operand_stride): x padded, then h before the step, masked, padded
    float *dx;         // (block, padded input)
    float *dy;         // (block, padded)
    float *h, *through, *around, *dc, *c0, *mask;  // (rows, padded)
    float* below[2];   // gradients of the outputs of the layer below, (T, rows, D * H)

    BackwardBuffers(const Sizes& sizes, Scratch scratch, int64_t* used = nullptr) {
        const int64_t rows = std::min(CHUNK_ROWS, sizes.batch);
        const int64_t state = rows * sizes.padded;
        block = std::max(block_rows(sizes), rows);
        // Sixteen more floats keep the rows of a power of two from falling on the same places in the cache.
        stride = round_up(sizes.sums * sizes.padded, 16) + 16;
        operand_stride = round_up(sizes.widest_input(), 8) + sizes.padded;
        dsums = scratch.take(block * stride);
        operands = scratch.take(block * operand_stride);
        dx = scratch.take(block * round_up(sizes.widest_input(), 8));
        dy = scratch.take(block * sizes.padded);
        for (float** part : {&h, &through, &around, &dc, &c0, &mask}) *part = scratch.take(state);
        for (float*& part : below) {
            part = sizes.problem.layers > 1 ? scratch.take(sizes.time * rows * sizes.directions * sizes.hidden) : nullptr;
        }
        if (used) *used = scratch.used;
    }
};

// One chunk on its way back through one scan.
struct BackwardScan {
    const Sizes& sizes;
    const Chunk& chunk;
    const OstinatoBackward& tensors;
    int64_t scan;
    View source;          // the scan's inputs
    View output;          // its outputs
    View dy;              // their gradients, or no data
    View dx;              // gradients of its inputs, or no data
    bool add_dx;          // to what the other direction wrote
    Accumulator sums;
    bool add_sums;        // to what an earlier chunk wrote

    bool reverse() const { return scan % sizes.directions == 1; }
    // The step whose state entered step t.
    int64_t before(int64_t t) const { return reverse() ? t + 1 : t - 1; }
    // How many rows had a step before t; the others entered it with the initial state.
    int64_t rows_before(int64_t t) const { return std::min(chunk.active(before(t)), chunk.active(t)); }
};

void clear_padding(float* row, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) row[i] = 0.0f;
}

// Steps that are taken before their part of the gradients of the weights is added up.
struct Block {
    struct Step {
        int64_t t, rows, start;  // the rows that have step t lie in the block's buffers from row `start` on
    };
    Step steps[MOST_BLOCK_ROWS];
    int64_t count = 0, rows = 0;

    // The steps from number `first` on, in the order of the way back, for which `room` rows suffice. Moves `first` on.
    Block(const BackwardScan& f, int64_t& first, int64_t room) {
        for (; first < f.sizes.time; ++first) {
            const int64_t t = f.reverse() ? first : f.sizes.time - 1 - first;
            const int64_t active = f.chunk.active(t);
            if (rows + active > room) break;
            if (active == 0) continue;
            steps[count++] = {t, active, rows};
            rows += active;
        }
    }
    // The steps in the order of time.
    const Step& in_time(const BackwardScan& f, int64_t i) const { return steps[f.reverse() ? i : count - 1 - i]; }
};

// Copies what a view has for a block, rows `stride` apart. Where the rows of a step lie apart, the steps of a row lie
// next to each other, and the processor foresees what is read only in that order.
void load_block(const BackwardScan& f, const Block& block, const View& from, int64_t width, float* to, int64_t stride) {
    if (from.compact(width)) {
        for (int64_t i = 0; i < block.count; ++i) {
            const Block::Step& step = block.steps[i];
            float* place = to + step.start * stride;
            for (int64_t row = 0; row < step.rows; ++row) copy_floats(place + row * stride, from.at(row, step.t), width);
        }
        return;
    }
    for (int64_t row = 0; row < f.chunk.rows; ++row) {
        for (int64_t i = 0; i < block.count; ++i) {
            const Block::Step& step = block.in_time(f, i);
            if (row < step.rows) copy_floats(to + (step.start + row) * stride, from.at(row, step.t), width);
        }
    }
}

// The inputs of a block among the operands, as the forward pass had them, masks applied.
void load_inputs(const BackwardScan& f, const BackwardBuffers& b, const Block& block) {
    const OstinatoProblem& p = f.sizes.problem;
    const int64_t input = f.sizes.input(f.scan), layer = f.sizes.layer(f.scan), columns = f.sums.columns;
    load_block(f, block, f.source, input, b.operands, columns);
    for (int64_t row = 0; row < block.rows; ++row) {
        clear_padding(b.operands + row * columns, input, f.sizes.padded_input(f.scan));
    }
    if (layer == 0 || p.dropout <= 0) return;
    const Dropout dropout(p.dropout);
    for (int64_t i = 0; i < block.count; ++i) {
        const Block::Step& step = block.steps[i];
        for (int64_t row = 0; row < step.rows; ++row) {
            apply_mask(dropout, layer_key(p, layer, f.chunk.original(row), step.t), input,
                       b.operands + (step.start + row) * columns);
        }
    }
}

// The gradients of a block's outputs; zeros where there are none.
void load_dy(const BackwardScan& f, const BackwardBuffers& b, const Block& block) {
    const Sizes& sizes = f.sizes;
    if (!f.dy.data) return clear_floats(b.dy, block.rows * sizes.padded);
    load_block(f, block, f.dy, sizes.hidden, b.dy, sizes.padded);
    if (sizes.hidden == sizes.padded) return;
    for (int64_t row = 0; row < block.rows; ++row) clear_padding(b.dy + row * sizes.padded, sizes.hidden, sizes.padded);
}

// Rows that can be read as they are, or a copy of them that is padded.
struct Gathered {
    const float* rows;
    int64_t stride;
};

// Rows of a view at step t.
Gathered gather(const BackwardScan& f, const View& from, int64_t t, int64_t rows, float* copy) {
    const Sizes& sizes = f.sizes;
    if (!from.order && sizes.hidden == sizes.padded) return {from.at(0, t), from.row_stride};
    for (int64_t row = 0; row < rows; ++row) {
        float* place = copy + row * sizes.padded;
        copy_floats(place, from.at(row, t), sizes.hidden);
        clear_padding(place, sizes.hidden, sizes.padded);
    }
    return {copy, sizes.padded};
}

// h before step t of a row, from the outputs or the initial state, padded.
void load_before(const BackwardScan& f, int64_t t, int64_t row, bool known, float* to) {
    const Sizes& sizes = f.sizes;
    const float* h0 = f.tensors.h0;
    if (known) {
        copy_floats(to, f.output.at(row, f.before(t)), sizes.hidden);
    } else if (h0) {
        copy_floats(to, h0 + (f.scan * sizes.batch + f.chunk.original(row)) * sizes.hidden, sizes.hidden);
    }
    clear_padding(to, known || h0 ? sizes.hidden : 0, sizes.padded);
}

// The other operands of the weights' gradients at a step: h before it, masked; b.h is what it was without the mask.
void load_state_before(const BackwardScan& f, BackwardBuffers& b, const Block::Step& step) {
    const int64_t columns = f.sums.columns, padded = f.sizes.padded;
    const int64_t known = f.rows_before(step.t);
    float* h = b.operands + step.start * columns + f.sizes.padded_input(f.scan);
    for (int64_t row = 0; row < step.rows; ++row, h += columns) {
        load_before(f, step.t, row, row < known, h);
        if (f.sizes.problem.recurrent_dropout <= 0) continue;
        copy_floats(b.h + row * padded, h, padded);
        for (int64_t unit = 0; unit < f.sizes.hidden; ++unit) h[unit] *= b.mask[row * padded + unit];
    }
}

}  // namespace

#endif
