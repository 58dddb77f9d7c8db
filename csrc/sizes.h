// What follows from a problem: padded sizes, where each part of a buffer starts, which rows are still running.
#ifndef OSTINATO_SIZES_H
#define OSTINATO_SIZES_H

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels.h"
#include "tile.h"

namespace {

// Sizes of a problem. Units are padded to a multiple of 8; padded units have zero weights and stay zero.
struct Sizes {
    const OstinatoProblem& problem;
    int64_t batch, time, hidden, padded, directions, scans;
    int64_t gates;   // per unit in torch's weights
    int64_t kept;    // values per unit and step that the backward pass needs, besides c and the output
    int64_t sums;    // pre-activations per unit whose gradients the backward pass makes

    explicit Sizes(const OstinatoProblem& p)
        : problem(p), batch(p.batch), time(p.time), hidden(p.hidden_size), padded(round_up(p.hidden_size, 8)),
          directions(p.directions), scans(p.layers * p.directions) {
        gates = lstm() ? 4 : gru() ? 3 : 1;
        kept = lstm() || gru() ? 4 : 0;
        sums = lstm() || gru() ? 4 : 1;
    }

    bool lstm() const { return problem.kind == OSTINATO_LSTM; }
    bool gru() const { return problem.kind == OSTINATO_GRU; }
    int64_t layer(int64_t scan) const { return scan / directions; }
    int64_t input(int64_t scan) const { return layer(scan) == 0 ? problem.input_size : directions * hidden; }
    int64_t padded_input(int64_t scan) const { return round_up(input(scan), 8); }
    int64_t widest_input() const { return std::max(problem.input_size, problem.layers > 1 ? directions * hidden : 0); }

    // Floats of packed weights: matrices over [h; x], then biases; or those for dh, then those for dx.
    int64_t packed_forward(int64_t scan) const {
        return round_up(gates * padded * (padded + input(scan)) + sums * padded, 16);
    }
    int64_t packed_backward(int64_t scan) const {
        return round_up(gates * padded * (padded + padded_input(scan)), 16);
    }
    int64_t packed(int64_t scan, bool backward) const {
        return backward ? packed_backward(scan) : packed_forward(scan);
    }
    int64_t packed_before(int64_t scan, bool backward) const {
        int64_t total = 0;
        for (int64_t s = 0; s < scan; ++s) total += packed(s, backward);
        return total;
    }

    // Saved values: per scan gates (T, B, kept * padded) and c (T, B, padded); per layer outputs (T, B, D * H).
    int64_t saved_scan() const { return round_up(time * batch * padded * (kept + (lstm() ? 1 : 0)), 16); }
    int64_t saved_output() const { return time * batch * directions * hidden; }
    int64_t saved_gates(int64_t scan) const { return scan * saved_scan(); }
    int64_t saved_c(int64_t scan) const { return scan * saved_scan() + time * batch * padded * kept; }
    int64_t saved_outputs(int64_t layer) const { return scans * saved_scan() + layer * saved_output(); }
    int64_t saved() const { return saved_outputs(problem.layers); }
};

// A sequence of rows in memory; row numbers go through `order` where there is one.
struct View {
    float* data;
    int64_t row_stride, time_stride;
    const int64_t* order;

    float* at(int64_t row, int64_t t) const {
        return data + (order ? order[row] : row) * row_stride + t * time_stride;
    }
    // Whether the rows of a step, `width` wide, lie next to each other or nearly so.
    bool compact(int64_t width) const { return !order && row_stride <= 2 * width; }
    View from_step(int64_t t) const { return {data + t * time_stride, row_stride, time_stride, order}; }
    View from_row(int64_t row) const {
        return order ? View{data, row_stride, time_stride, order + row}
                     : View{data + row * row_stride, row_stride, time_stride, nullptr};
    }
};

// The rows in the order in which they are worked on: the longest first, so that those still running are a prefix.
struct Order {
    std::vector<int64_t> rows, lengths;

    explicit Order(const OstinatoProblem& p) {
        if (!p.lengths) return;
        rows.resize(p.batch);
        std::iota(rows.begin(), rows.end(), 0);
        std::stable_sort(rows.begin(), rows.end(), [&](int64_t a, int64_t b) { return p.lengths[a] > p.lengths[b]; });
        for (const int64_t row : rows) lengths.push_back(std::clamp<int64_t>(p.lengths[row], 0, p.time));
    }

    const int64_t* order() const { return rows.empty() ? nullptr : rows.data(); }
    int64_t original(int64_t row) const { return rows.empty() ? row : rows[row]; }
    View view(const OstinatoSequence& s) const { return {s.data, s.row, s.time, order()}; }
};

// Rows [first, first + rows) of the order, which one thread takes through all steps and layers.
struct Chunk {
    const Order& order;
    int64_t first, rows, time;

    int64_t length(int64_t row) const { return order.lengths.empty() ? time : order.lengths[first + row]; }
    // How many rows have a step t.
    int64_t active(int64_t t) const {
        if (t < 0 || t >= time) return 0;
        int64_t count = rows;
        while (count > 0 && length(count - 1) <= t) --count;
        return count;
    }
    int64_t original(int64_t row) const { return order.original(first + row); }
};

// Hands out parts of one block of memory; without a block it only counts.
struct Scratch {
    float* base;
    int64_t used = 0;

    float* take(int64_t floats) {
        float* part = base ? base + used : nullptr;
        used += round_up(floats, 16);
        return part;
    }
};

}  // namespace

#endif
