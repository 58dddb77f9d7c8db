// The kernels behind kernels.h: dividing a batch among threads, and adding up what the threads made.
// Each isa_*.cpp compiles this file once, for its instruction set.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "backward.h"
#include "forward.h"
#include "kernels.h"
#include "pack.h"
#include "sizes.h"
#include "threads.h"

namespace {

// Groups of rows whose gradients of the weights are summed apart. Their number depends on the problem alone, not on
// the threads, and they are added up in order: so the sums have the same bits on any number of threads.
constexpr int64_t GROUPS = 16;
constexpr int64_t GROUP_ROWS = 16;
constexpr int64_t TWO_GROUPS_FROM = 3;  // rows
constexpr int64_t GROUP_FLOATS = 32 << 20;
// Below so many multiply-adds a second thread costs more than it does.
constexpr double WORTH_A_THREAD = 4e5;
constexpr int64_t LEAST_ROWS = 2;
// Memory for the work in between is kept for the next call up to this size.
constexpr int64_t KEPT_FLOATS = 32 << 20;

struct FreeMemory {
    void operator()(float* memory) const { std::free(memory); }
};
typedef std::unique_ptr<float, FreeMemory> Memory;

// Memory of the calling thread, used again from call to call.
struct Workspace {
    Memory memory;
    int64_t floats = 0;

    float* reserve(int64_t wanted) {
        if (wanted <= floats) return memory.get();
        release();
        const int64_t bytes = round_up(wanted * static_cast<int64_t>(sizeof(float)), 64);
        memory.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
        floats = memory ? wanted : 0;
        return memory.get();
    }
    void release() {
        memory.reset();
        floats = 0;
    }
};

thread_local Workspace workspace;

double multiply_adds(const Sizes& sizes) {
    double total = 0;
    for (int64_t scan = 0; scan < sizes.scans; ++scan) {
        total += static_cast<double>(sizes.gates * sizes.hidden) * static_cast<double>(sizes.input(scan) + sizes.hidden);
    }
    return total * static_cast<double>(sizes.batch) * static_cast<double>(sizes.time);
}

int64_t useful_threads(const Sizes& sizes, int64_t tasks) {
    const int64_t worth = 1 + static_cast<int64_t>(std::min(1e6, multiply_adds(sizes) / WORTH_A_THREAD));
    return std::max<int64_t>(1, std::min({sizes.problem.threads, tasks, worth}));
}

struct ForwardWork {
    const Sizes& sizes;
    const Order& order;
    const OstinatoForward& tensors;
    int64_t chunks, rows, scratch_size;
    float* scratch;
};

void forward_task(void* work, int64_t index, int64_t worker) {
    const ForwardWork& w = *static_cast<const ForwardWork*>(work);
    const int64_t first = share(w.sizes.batch, index, w.chunks);
    const Chunk chunk{w.order, first, share(w.sizes.batch, index + 1, w.chunks) - first, w.sizes.time};
    const ForwardBuffers buffers(w.sizes, w.rows, w.tensors.saved != nullptr, {w.scratch + worker * w.scratch_size});
    run_forward_chunk(w.sizes, chunk, w.tensors, buffers);
}

int64_t forward(const OstinatoProblem& problem, const OstinatoForward& tensors) {
    const Sizes sizes(problem);
    const Order order(problem);
    int64_t threads = useful_threads(sizes, (sizes.batch + LEAST_ROWS - 1) / LEAST_ROWS);
    const int64_t rows = std::min(CHUNK_ROWS, (sizes.batch + threads - 1) / threads);
    const int64_t chunks = (sizes.batch + rows - 1) / rows;
    threads = std::min(threads, chunks);
    ForwardWork work{sizes, order, tensors, chunks, rows, 0, nullptr};
    ForwardBuffers(sizes, rows, tensors.saved != nullptr, {nullptr}, &work.scratch_size);
    work.scratch = workspace.reserve(work.scratch_size * threads);
    if (!work.scratch) return 1;
    if (tensors.saved) {
        // Scans begin at multiples of 64 bytes; what lies between them is written too.
        const int64_t values = sizes.time * sizes.batch * sizes.padded * (sizes.kept + (sizes.lstm() ? 1 : 0));
        for (int64_t scan = 0; scan < sizes.scans; ++scan) {
            clear_floats(tensors.saved + sizes.saved_gates(scan) + values, sizes.saved_scan() - values);
        }
    }
    ostinato::run_tasks(chunks, threads, forward_task, &work);
    if (workspace.floats > KEPT_FLOATS) workspace.release();
    return 0;
}

struct BackwardWork {
    const Sizes& sizes;
    const Order& order;
    const OstinatoBackward& tensors;
    int64_t groups, sums_size, scratch_size;
    float *sums, *scratch;
};

void backward_task(void* work, int64_t index, int64_t worker) {
    const BackwardWork& w = *static_cast<const BackwardWork*>(work);
    const int64_t begin = share(w.sizes.batch, index, w.groups), end = share(w.sizes.batch, index + 1, w.groups);
    const int64_t chunks = (end - begin + CHUNK_ROWS - 1) / CHUNK_ROWS;
    float* sums = w.sums + index * w.sums_size;
    const BackwardBuffers buffers(w.sizes, {w.scratch + worker * w.scratch_size});
    for (int64_t i = 0; i < chunks; ++i) {
        const int64_t first = begin + share(end - begin, i, chunks);
        const Chunk chunk{w.order, first, begin + share(end - begin, i + 1, chunks) - first, w.sizes.time};
        run_backward_chunk(w.sizes, chunk, w.tensors, buffers, sums, i > 0);
    }
}

// Adds up the groups for one row of a weight, in order.
void add_groups(const BackwardWork& w, const float* first, int64_t count, float* to) {
    copy_floats(to, first, count);
    for (int64_t group = 1; group < w.groups; ++group) {
        const float* from = first + group * w.sums_size;
        for (int64_t i = 0; i < count; ++i) to[i] += from[i];
    }
}

// Task: one gate of one scan. Where torch's gate r, z, n lies among a GRU's sums: n of x, r, z, n of h.
void reduce_task(void* work, int64_t index, int64_t) {
    const BackwardWork& w = *static_cast<const BackwardWork*>(work);
    const Sizes& sizes = w.sizes;
    const int64_t scan = index / sizes.gates, gate = index % sizes.gates;
    const int64_t of_x = sizes.gru() ? (gate + 1) % 3 : gate, of_h = sizes.gru() ? gate + 1 : gate;
    const Accumulator sums = Accumulator::of(sizes, scan, w.sums);
    const int64_t input = sizes.input(scan), hidden = sizes.hidden;
    float* const* to = w.tensors.dweights + scan * (sizes.problem.bias ? 4 : 2);
    for (int64_t unit = 0; unit < hidden; ++unit) {
        const int64_t row = gate * hidden + unit;
        const float* x = sums.matrix + (of_x * sizes.padded + unit) * sums.columns;
        const float* h = sums.matrix + (of_h * sizes.padded + unit) * sums.columns + sizes.padded_input(scan);
        add_groups(w, x, input, to[0] + row * input);
        add_groups(w, h, hidden, to[1] + row * hidden);
    }
    if (!sizes.problem.bias) return;
    add_groups(w, sums.biases + of_x * sizes.padded, hidden, to[2] + gate * hidden);
    add_groups(w, sums.biases + of_h * sizes.padded, hidden, to[3] + gate * hidden);
}

int64_t backward(const OstinatoProblem& problem, const OstinatoBackward& tensors) {
    const Sizes sizes(problem);
    const Order order(problem);
    BackwardWork work{sizes, order, tensors, 1, Accumulator::size_of_all(sizes), 0, nullptr, nullptr};
    const int64_t most = std::max<int64_t>(2, std::min(GROUPS, GROUP_FLOATS / work.sums_size));
    const int64_t least = sizes.batch >= TWO_GROUPS_FROM ? 2 : 1;
    work.groups = std::clamp((sizes.batch + GROUP_ROWS - 1) / GROUP_ROWS, least, most);
    const int64_t threads = useful_threads(sizes, work.groups);
    BackwardBuffers(sizes, {nullptr}, &work.scratch_size);
    work.sums = workspace.reserve(work.groups * work.sums_size + threads * work.scratch_size);
    if (!work.sums) return 1;
    work.scratch = work.sums + work.groups * work.sums_size;
    ostinato::run_tasks(work.groups, threads, backward_task, &work);
    if (tensors.dweights) ostinato::run_tasks(sizes.scans * sizes.gates, threads, reduce_task, &work);
    if (workspace.floats > KEPT_FLOATS) workspace.release();
    return 0;
}

// Weights are packed and compared in so many parts each.
constexpr int64_t PARTS = 4;
// Below so many floats to a thread the start of a thread costs more than it does.
constexpr double FLOATS_WORTH_A_THREAD = 5e4;

struct WeightsWork {
    const Sizes& sizes;
    const float* const* weights;
    bool backward;
    float* packed;
    uint64_t* sums;  // (matrices, PARTS)

    int64_t per_scan() const { return sizes.problem.bias ? 4 : 2; }

    int64_t threads(int64_t tasks) const {
        double floats = 0;
        for (int64_t scan = 0; scan < sizes.scans; ++scan) floats += static_cast<double>(sizes.packed(scan, backward));
        const int64_t worth = 1 + static_cast<int64_t>(std::min(1e6, floats / FLOATS_WORTH_A_THREAD));
        return std::max<int64_t>(1, std::min({sizes.problem.threads, tasks, worth}));
    }
};

// Task: one part of one scan.
void pack_task(void* work, int64_t index, int64_t) {
    const WeightsWork& w = *static_cast<const WeightsWork*>(work);
    const int64_t scan = index / PARTS;
    (w.backward ? pack_backward : pack_forward)(w.sizes, scan, w.weights + scan * w.per_scan(), {index % PARTS, PARTS},
                                                w.packed + w.sizes.packed_before(scan, w.backward));
}

// Task: one part of one weight.
void fingerprint_task(void* work, int64_t index, int64_t) {
    const WeightsWork& w = *static_cast<const WeightsWork*>(work);
    const int64_t matrix = index / PARTS, scan = matrix / w.per_scan(), rows = w.sizes.gates * w.sizes.hidden;
    const int64_t counts[] = {rows * w.sizes.input(scan), rows * w.sizes.hidden, rows, rows};
    const int64_t count = counts[matrix % w.per_scan()], begin = share(count, index % PARTS, PARTS);
    w.sums[index] = fingerprint(w.weights[matrix] + begin, share(count, index % PARTS + 1, PARTS) - begin);
}

void pack(const Sizes& sizes, const float* const* weights, bool backward, float* packed) {
    WeightsWork work{sizes, weights, backward, packed, nullptr};
    const int64_t tasks = sizes.scans * PARTS;
    ostinato::run_tasks(tasks, work.threads(tasks), pack_task, &work);
}

uint64_t fingerprint_of_all(const Sizes& sizes, const float* const* weights) {
    WeightsWork work{sizes, weights, false, nullptr, nullptr};
    const int64_t tasks = sizes.scans * work.per_scan() * PARTS;
    std::vector<uint64_t> sums(tasks);
    work.sums = sums.data();
    ostinato::run_tasks(tasks, work.threads(tasks), fingerprint_task, &work);
    uint64_t total = 0;
    for (const uint64_t sum : sums) total = total * 0x9E3779B97F4A7C15u + sum;
    return total;
}

}  // namespace

extern "C" {

int64_t ostinato_abi(void) { return OSTINATO_ABI; }

const char* ostinato_isa(void) { return OSTINATO_ISA_NAME; }

void ostinato_share_threads(void (*gomp_parallel)(void (*)(void*), void*, unsigned, unsigned),
                            int (*omp_get_max_threads)(void)) {
    ostinato::use_openmp(gomp_parallel, omp_get_max_threads);
}

int64_t ostinato_pack_size(const OstinatoProblem* problem, int64_t backward_pass) {
    const Sizes sizes(*problem);
    return sizes.packed_before(sizes.scans, backward_pass != 0);
}

int64_t ostinato_saved_size(const OstinatoProblem* problem) { return Sizes(*problem).saved(); }

void ostinato_pack(const OstinatoProblem* problem, const float* const* weights, int64_t backward_pass, float* packed) {
    pack(Sizes(*problem), weights, backward_pass != 0, packed);
}

uint64_t ostinato_fingerprint(const OstinatoProblem* problem, const float* const* weights) {
    return fingerprint_of_all(Sizes(*problem), weights);
}

int64_t ostinato_forward(const OstinatoProblem* problem, const OstinatoForward* tensors) {
    return forward(*problem, *tensors);
}

int64_t ostinato_backward(const OstinatoProblem* problem, const OstinatoBackward* tensors) {
    return backward(*problem, *tensors);
}

void ostinato_dropout_mask(const OstinatoProblem* problem, int64_t layer, float* mask) {
    const Sizes sizes(*problem);
    const int64_t width = sizes.directions * sizes.hidden;
    for (int64_t row = 0; row < sizes.batch; ++row) {
        for (int64_t t = 0; t < sizes.time; ++t, mask += width) {
            fill_mask(Dropout(problem->dropout), layer_key(*problem, layer, row, t), width, mask);
        }
    }
}

void ostinato_recurrent_mask(const OstinatoProblem* problem, int64_t scan, float* mask) {
    const Sizes sizes(*problem);
    for (int64_t row = 0; row < sizes.batch; ++row, mask += sizes.hidden) {
        fill_mask(Dropout(problem->recurrent_dropout), recurrent_key(*problem, scan, row), sizes.hidden, mask);
    }
}

}  // extern "C"
