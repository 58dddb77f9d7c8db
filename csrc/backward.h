// The backward pass: one group of rows back through all layers, directions and steps.
//
// Steps are taken in blocks. Within a block each step makes the gradients of the sums before the gates (`dsums`) and
// carries the gradient of h to the step before; after it, the block's dsums give the gradients of the weights and of
// the inputs in two larger matrix products, while everything is still in cache.
#ifndef OSTINATO_BACKWARD_H
#define OSTINATO_BACKWARD_H

#include <cmath>
#include <cstdint>

#include "blocks.h"
#include "gradients.h"
#include "mask.h"
#include "sizes.h"

namespace {

// The norms of the gradients with which the way back arrives at a step. In double precision: squares of what is left
// after many steps are soon too small for a float.
void note_norms(const BackwardScan& f, const BackwardStep& s, const Block::Step& step) {
    typedef double Doubles __attribute__((vector_size(64)));
    const Sizes& sizes = f.sizes;
    for (int64_t row = 0; row < step.rows; ++row) {
        Doubles squares = {};
        for (int64_t unit = 0; unit < sizes.padded; unit += 8) {
            const Doubles dh = __builtin_convertvector(gradient_of_h<Vec8>(s, row, unit), Doubles);
            squares += dh * dh;
            if (!sizes.lstm()) continue;
            const Doubles dc = __builtin_convertvector(load<Vec8>(s.dc + row * sizes.padded + unit), Doubles);
            squares += dc * dc;
        }
        double total = 0;
        for (int lane = 0; lane < 8; ++lane) total += squares[lane];
        const int64_t place = f.scan * sizes.batch + f.chunk.original(row);
        f.tensors.norms[place * sizes.time + step.t] = static_cast<float>(std::sqrt(total));
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
    if (f.tensors.norms) note_norms(f, s, step_of_block);
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
