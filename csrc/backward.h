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

void make_gradients(const BackwardScan& f, BackwardBuffers& b, const Block::Step& step_of_block) {
    const Sizes& sizes = f.sizes;
    const int64_t t = step_of_block.t, rows = step_of_block.rows, start = step_of_block.start;
    const float* operands = b.operands + start * f.sums.columns;
    const float* saved = f.tensors.saved;
    const int64_t step = sizes.batch * sizes.padded;
    const int64_t place = t * step + f.chunk.first * sizes.padded;
    const bool masked = sizes.problem.recurrent_dropout > 0;
    // A GRU needs h before the step: among the operands, or beside them where a mask has changed those.
    Gathered h{operands + sizes.padded_input(f.scan), f.sums.columns};
    if (masked) h = {b.h, sizes.padded};
    if (sizes.sums == 1) h = gather(f, f.output, t, rows, b.h);
    BackwardStep s{};
    s.padded = sizes.padded;
    s.dy = b.dy + start * sizes.padded;
    s.h = h.rows;
    s.h_stride = h.stride;
    s.ahead = (f.before(t) - t) * sizes.batch;
    s.through = b.through;
    s.around = b.around;
    s.dc = b.dc;
    s.mask = masked ? b.mask : nullptr;
    s.dsums = b.dsums + start * b.stride;
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

// Adds the block's part of the gradients of the weights, dsums transposed times [x; h], or begins with it.
void add_weights(const BackwardScan& f, const BackwardBuffers& b, int64_t rows, bool first) {
    const Sizes& sizes = f.sizes;
    const int64_t units = sizes.padded, columns = f.sums.columns, inputs = sizes.padded_input(f.scan);
    const auto add = [&](int64_t first_sum, int64_t sums, int64_t first_column, int64_t width) {
        multiply_across({b.dsums + first_sum * units, b.stride, b.operands + first_column, columns, rows,
                         f.sums.matrix + first_sum * units * columns + first_column, columns, !first},
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
    for (int64_t i = 0; i < sums; i += 8) {
        Vec8 total = {};
        for (int64_t row = 0; row < rows; ++row) total += load<Vec8>(b.dsums + row * b.stride + i);
        store(f.sums.biases + i, first ? total : load<Vec8>(f.sums.biases + i) + total);
    }
}

// The gradient of the block's inputs, dsums W, into its place step by step.
void make_dx(const BackwardScan& f, const BackwardBuffers& b, const Block& block) {
    const Sizes& sizes = f.sizes;
    if (!f.dx.data) return;
    const OstinatoProblem& p = sizes.problem;
    const int64_t input = sizes.input(f.scan), width = sizes.padded_input(f.scan), layer = sizes.layer(f.scan);
    const float* packed =
        f.tensors.packed + sizes.packed_before(f.scan, true) + sizes.gates * sizes.padded * sizes.padded;
    multiply_packed({b.dsums, b.stride, packed, 0, sizes.gates * sizes.padded, b.dx, width, false}, block.rows, width);
    const Dropout dropout(p.dropout);
    for (int64_t i = 0; i < block.count; ++i) {
        const Block::Step& step = block.steps[i];
        float* from = b.dx + step.start * width;
        for (int64_t row = 0; row < step.rows; ++row, from += width) {
            if (layer > 0 && p.dropout > 0) {
                apply_mask(dropout, layer_key(p, layer, f.chunk.original(row), step.t), input, from);
            }
            float* to = f.dx.at(row, step.t);
            if (f.add_dx) {
                for (int64_t k = 0; k < input; ++k) to[k] += from[k];
            } else {
                copy_floats(to, from, input);
            }
        }
    }
}

// The caller's dx is zero where there is no step.
void clear_dx(const BackwardScan& f) {
    if (!f.dx.data || f.add_dx || f.sizes.layer(f.scan) > 0) return;
    for (int64_t row = 0; row < f.chunk.rows; ++row) {
        for (int64_t t = f.chunk.length(row); t < f.sizes.time; ++t) {
            clear_floats(f.dx.at(row, t), f.sizes.input(f.scan));
        }
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
    clear_dx(f);
    bool begun = f.add_sums;
    for (int64_t first = 0; first < sizes.time;) {
        const Block block(f, first, b.block);
        const bool last = first == sizes.time;
        load_inputs(f, b, block);
        load_dy(f, b, block);
        for (int64_t i = 0; i < block.count; ++i) {
            const Block::Step& step = block.steps[i];
            fetch_rows<0>(f.output, f.before(f.before(step.t)), step.rows, sizes.hidden, sizes.time);
            load_state_before(f, b, step);
            make_gradients(f, b, step);
            if (last && i == block.count - 1 && !f.tensors.dh0) break;
            carry_back(f, b, step.rows, b.dsums + step.start * b.stride);
        }
        if (f.tensors.dweights) add_weights(f, b, block.rows, !begun);
        begun = true;
        make_dx(f, b, block);
    }
    end_back(f, b);
}

void run_backward_chunk(const Sizes& sizes, const Chunk& chunk, const OstinatoBackward& tensors, BackwardBuffers b,
                        float* accumulators, bool add_sums) {
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
                           Accumulator::of(sizes, scan, accumulators), add_sums};
            f.output.data += direction * sizes.hidden;
            if (f.dy.data) f.dy.data += direction * sizes.hidden;
            run_backward_scan(f, b);
        }
        dy = dx;
    }
}

}  // namespace

#endif
