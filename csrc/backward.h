// The backward pass: one group of rows back through all layers, directions and steps.
//
// Steps are taken in blocks. Within a block each step makes the gradients of the sums before the gates (`dsums`) and
// carries the gradient of h to the step before; after it, the block's dsums give the gradients of the weights and of
// the inputs in two larger matrix products, while everything is still in cache.
#ifndef OSTINATO_BACKWARD_H
#define OSTINATO_BACKWARD_H

#include <cstdint>

#include "forward.h"
#include "gradients.h"
#include "mask.h"
#include "sizes.h"

namespace {

constexpr int64_t CHUNK_ROWS = 32;

// How many rows times steps a block holds: enough for the products to be worth it, little enough for the cache.
int64_t block_rows(const Sizes& sizes) {
    const int64_t per_row = sizes.sums * sizes.padded + sizes.padded + sizes.widest_input();
    return std::min<int64_t>(256, std::max<int64_t>(64, 131072 * 2 / per_row));
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
    float *h, *dy, *through, *around, *dc, *c0, *mask;
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
        for (float** part : {&h, &dy, &through, &around, &dc, &c0, &mask}) *part = scratch.take(state);
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

    bool reverse() const { return scan % sizes.directions == 1; }
    // The step whose state entered step t.
    int64_t before(int64_t t) const { return reverse() ? t + 1 : t - 1; }
    // How many rows had a step before t; the others entered it with the initial state.
    int64_t rows_before(int64_t t) const { return std::min(chunk.active(before(t)), chunk.active(t)); }
};

void clear_padding(float* row, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) row[i] = 0.0f;
}

// Rows that can be read as they are, or a copy of them that is padded.
struct Gathered {
    const float* rows;
    int64_t stride;
};

// Rows of a view at step t; zeros where there is no data.
Gathered gather(const BackwardScan& f, const View& from, int64_t t, int64_t rows, float* copy) {
    const Sizes& sizes = f.sizes;
    if (from.data && !from.order && sizes.hidden == sizes.padded) return {from.at(0, t), from.row_stride};
    for (int64_t row = 0; row < rows; ++row) {
        float* place = copy + row * sizes.padded;
        if (from.data) copy_floats(place, from.at(row, t), sizes.hidden);
        clear_padding(place, from.data ? sizes.hidden : 0, sizes.padded);
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

// The operands of the weights' gradients at step t, as the forward pass had them: [x; h], masks applied.
void load_operands(const BackwardScan& f, BackwardBuffers& b, int64_t t, int64_t rows, float* to) {
    const OstinatoProblem& p = f.sizes.problem;
    const int64_t input = f.sizes.input(f.scan);
    const int64_t padded_input = f.sizes.padded_input(f.scan);
    const int64_t layer = f.sizes.layer(f.scan);
    const Dropout dropout(p.dropout);
    const int64_t known = f.rows_before(t);
    for (int64_t row = 0; row < rows; ++row, to += f.sums.columns) {
        copy_floats(to, f.source.at(row, t), input);
        clear_padding(to, input, padded_input);
        if (layer > 0 && p.dropout > 0) {
            apply_mask(dropout, layer_key(p, layer, f.chunk.original(row), t), input, to);
        }
        float* h = to + padded_input;
        load_before(f, t, row, row < known, h);
        if (p.recurrent_dropout <= 0) continue;
        copy_floats(b.h + row * f.sizes.padded, h, f.sizes.padded);
        for (int64_t unit = 0; unit < f.sizes.hidden; ++unit) h[unit] *= b.mask[row * f.sizes.padded + unit];
    }
}

void make_gradients(const BackwardScan& f, BackwardBuffers& b, int64_t t, int64_t rows, const float* operands,
                    float* dsums) {
    const Sizes& sizes = f.sizes;
    const float* saved = f.tensors.saved;
    const int64_t step = sizes.batch * sizes.padded;
    const int64_t place = t * step + f.chunk.first * sizes.padded;
    const bool masked = sizes.problem.recurrent_dropout > 0;
    const Gathered dy = gather(f, f.dy, t, rows, b.dy);
    // A GRU needs h before the step: among the operands, or beside them where a mask has changed those.
    Gathered h{operands + sizes.padded_input(f.scan), f.sums.columns};
    if (masked) h = {b.h, sizes.padded};
    if (sizes.sums == 1) h = gather(f, f.output, t, rows, b.h);
    BackwardStep s{};
    s.padded = sizes.padded;
    s.dy = dy.rows;
    s.dy_stride = dy.stride;
    s.h = h.rows;
    s.h_stride = h.stride;
    s.ahead = (f.before(t) - t) * sizes.batch;
    s.through = b.through;
    s.around = b.around;
    s.dc = b.dc;
    s.mask = masked ? b.mask : nullptr;
    s.dsums = dsums;
    s.stride = b.stride;
    if (sizes.kept) s.gates = saved + sizes.saved_gates(f.scan) + place * sizes.kept;
    const int64_t known = f.rows_before(t);
    if (sizes.lstm()) {
        s.c = saved + sizes.saved_c(f.scan) + place;
        s.c_before = s.c + (f.before(t) - t) * step;
    }
    s.last = known;
    step_gradients(s, sizes.problem.kind);
    s.c_before = b.c0;
    s.first = known;
    s.last = rows;
    step_gradients(s, sizes.problem.kind);
}

// through = dsums U: the gradient of h before the step, through its gates.
void carry_back(const BackwardScan& f, BackwardBuffers& b, int64_t rows, const float* dsums) {
    const Sizes& sizes = f.sizes;
    const float* packed = f.tensors.packed + sizes.packed_before(f.scan, true);
    const float* a = dsums + (sizes.gru() ? sizes.padded : 0);
    multiply_packed({a, b.stride, packed, 0, sizes.gates * sizes.padded, b.through, sizes.padded, false}, rows,
                    sizes.padded);
}

// Adds the block's part of the gradients of the weights: dsums transposed times [x; h].
void add_weights(const BackwardScan& f, const BackwardBuffers& b, int64_t rows) {
    const Sizes& sizes = f.sizes;
    const int64_t units = sizes.padded, columns = f.sums.columns, inputs = sizes.padded_input(f.scan);
    const auto add = [&](int64_t first_sum, int64_t sums, int64_t first_column, int64_t width) {
        multiply_across({b.dsums + first_sum * units, b.stride, b.operands + first_column, columns, rows,
                         f.sums.matrix + first_sum * units * columns + first_column, columns, true},
                        sums * units, width);
    };
    if (sizes.gru()) {
        add(0, 1, 0, inputs);
        add(1, 2, 0, columns);
        add(3, 1, inputs, units);
    } else {
        add(0, sizes.sums, 0, columns);
    }
    if (!sizes.problem.bias) return;
    const int64_t sums = sizes.sums * units;
    for (int64_t row = 0; row < rows; ++row) {
        const float* dsums = b.dsums + row * b.stride;
        for (int64_t i = 0; i < sums; i += 8) {
            for (int64_t k = i; k < i + 8; ++k) f.sums.biases[k] += dsums[k];
        }
    }
}

// The gradient of the block's inputs, dsums W, into its place step by step.
void make_dx(const BackwardScan& f, const BackwardBuffers& b, int64_t first_step, int64_t steps, int64_t total) {
    const Sizes& sizes = f.sizes;
    if (!f.dx.data) return;
    const OstinatoProblem& p = sizes.problem;
    const int64_t input = sizes.input(f.scan), width = sizes.padded_input(f.scan), layer = sizes.layer(f.scan);
    const float* packed =
        f.tensors.packed + sizes.packed_before(f.scan, true) + sizes.gates * sizes.padded * sizes.padded;
    multiply_packed({b.dsums, b.stride, packed, 0, sizes.gates * sizes.padded, b.dx, width, false}, total, width);
    float* from = b.dx;
    const Dropout dropout(p.dropout);
    for (int64_t i = first_step; i < first_step + steps; ++i) {
        const int64_t t = f.reverse() ? i : sizes.time - 1 - i;
        const int64_t rows = f.chunk.active(t);
        for (int64_t row = 0; row < rows; ++row, from += width) {
            if (layer > 0 && p.dropout > 0) {
                apply_mask(dropout, layer_key(p, layer, f.chunk.original(row), t), input, from);
            }
            float* to = f.dx.at(row, t);
            if (f.add_dx) {
                for (int64_t k = 0; k < input; ++k) to[k] += from[k];
            } else {
                copy_floats(to, from, input);
            }
        }
        if (f.add_dx || layer > 0) continue;
        for (int64_t row = rows; row < f.chunk.rows; ++row) clear_floats(f.dx.at(row, t), input);
    }
}

// The gradients of the final state are where the way back begins; a row waits there until its last step comes.
void begin_back(const BackwardScan& f, BackwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    load_state(sizes, f.chunk, f.tensors.dhn, f.scan, b.around, sizes.padded);
    load_state(sizes, f.chunk, f.tensors.dcn, f.scan, b.dc, sizes.padded);
    load_state(sizes, f.chunk, f.tensors.c0, f.scan, b.c0, sizes.padded);
    clear_floats(b.through, f.chunk.rows * sizes.padded);
    clear_floats(b.mask, f.chunk.rows * sizes.padded);
    if (sizes.problem.recurrent_dropout > 0) fill_recurrent_masks(sizes, f.chunk, f.scan, b.mask);
}

void end_back(const BackwardScan& f, BackwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    const bool masked = sizes.problem.recurrent_dropout > 0;
    for (int64_t i = 0; i < f.chunk.rows * sizes.padded; ++i) b.around[i] += b.through[i] * (masked ? b.mask[i] : 1.0f);
    store_state(sizes, f.chunk, b.around, f.scan, f.tensors.dh0);
    if (sizes.lstm()) store_state(sizes, f.chunk, b.dc, f.scan, f.tensors.dc0);
}

void run_backward_scan(const BackwardScan& f, BackwardBuffers& b) {
    const Sizes& sizes = f.sizes;
    begin_back(f, b);
    for (int64_t i = 0; i < sizes.time;) {
        const int64_t first = i;
        int64_t total = 0;
        for (; i < sizes.time; ++i) {
            const int64_t t = f.reverse() ? i : sizes.time - 1 - i;
            const int64_t rows = f.chunk.active(t);
            if (total + rows > b.block) break;
            if (rows == 0) continue;
            float* dsums = b.dsums + total * b.stride;
            const int64_t next = f.before(t);
            fetch_rows<0>(f.source, next, rows, sizes.input(f.scan), sizes.time);
            fetch_rows<0>(f.dy, next, rows, sizes.hidden, sizes.time);
            fetch_rows<0>(f.output, f.before(next), rows, sizes.hidden, sizes.time);
            float* operands = b.operands + total * f.sums.columns;
            load_operands(f, b, t, rows, operands);
            make_gradients(f, b, t, rows, operands, dsums);
            const bool last = i == sizes.time - 1;
            if (!last || f.tensors.dh0) carry_back(f, b, rows, dsums);
            total += rows;
        }
        if (f.tensors.dweights) add_weights(f, b, total);
        make_dx(f, b, first, i - first, total);
    }
    end_back(f, b);
}

void run_backward_chunk(const Sizes& sizes, const Chunk& chunk, const OstinatoBackward& tensors, BackwardBuffers b,
                        float* accumulators) {
    const int64_t width = sizes.directions * sizes.hidden;
    const auto outputs_of = [&](int64_t layer) {
        float* saved = const_cast<float*>(tensors.saved) + sizes.saved_outputs(layer) + chunk.first * width;
        return View{saved, width, sizes.batch * width, nullptr};
    };
    View dy = chunk.order.view(tensors.dy).from_row(chunk.first);
    if (!tensors.dy.data) dy.data = nullptr;
    for (int64_t layer = sizes.problem.layers - 1; layer >= 0; --layer) {
        const View source = layer ? outputs_of(layer - 1) : chunk.order.view(tensors.x).from_row(chunk.first);
        const View output = outputs_of(layer);
        View dx{b.below[layer % 2], width, chunk.rows * width, nullptr};
        if (layer == 0) dx = tensors.dx.data ? chunk.order.view(tensors.dx).from_row(chunk.first) : View{};
        for (int64_t direction = 0; direction < sizes.directions; ++direction) {
            const int64_t scan = layer * sizes.directions + direction;
            BackwardScan f{sizes, chunk, tensors, scan, source, output, dy, dx, direction > 0,
                           Accumulator::of(sizes, scan, accumulators)};
            f.output.data += direction * sizes.hidden;
            if (f.dy.data) f.dy.data += direction * sizes.hidden;
            run_backward_scan(f, b);
        }
        dy = dx;
    }
}

}  // namespace

#endif
