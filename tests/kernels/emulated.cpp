// Runs kernels of another processor on cases from standard input: forward, backward, and all results to standard output.
// tests/kernels/test_emulated.py compiles it, has it emulated, and knows the exact results.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels.h"

namespace {

typedef std::vector<float> Floats;

void read_bytes(void* to, size_t size, size_t count) {
    if (std::fread(to, size, count, stdin) != count) std::abort();
}

int64_t read_number() {
    int64_t number;
    read_bytes(&number, sizeof(number), 1);
    return number;
}

Floats read_floats(int64_t count) {
    Floats floats(count);
    read_bytes(floats.data(), sizeof(float), count);
    return floats;
}

void write_floats(const Floats& floats) { std::fwrite(floats.data(), sizeof(float), floats.size(), stdout); }

// As the kernels may ask for it: at the start of a cache line, with exactly so many floats.
struct Aligned {
    std::unique_ptr<float, decltype(&std::free)> floats;
    explicit Aligned(int64_t count)
        : floats(static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 64) / 64 * 64)), &std::free) {}
};

std::vector<float*> addresses(std::vector<Floats>& arrays) {
    std::vector<float*> found;
    for (Floats& array : arrays) found.push_back(array.data());
    return found;
}

void run_case() {
    OstinatoProblem p = {};
    for (int64_t* number : {&p.kind, &p.batch, &p.time, &p.input_size, &p.hidden_size, &p.layers, &p.directions, &p.bias, &p.threads})
        *number = read_number();
    const bool padded = read_number(), lstm = p.kind == OSTINATO_LSTM;
    std::vector<int64_t> lengths(padded ? p.batch : 0);
    for (int64_t& length : lengths) length = read_number();
    p.lengths = padded ? lengths.data() : nullptr;
    const int64_t gates = lstm ? 4 : p.kind == OSTINATO_GRU ? 3 : 1, scans = p.layers * p.directions;
    const int64_t width = p.directions * p.hidden_size, state = scans * p.batch * p.hidden_size;
    Floats x = read_floats(p.batch * p.time * p.input_size), h0 = read_floats(state), c0 = read_floats(lstm ? state : 0);
    std::vector<Floats> weights, dweights;
    for (int64_t scan = 0; scan < scans; ++scan) {
        const int64_t rows = gates * p.hidden_size, below = scan < p.directions ? p.input_size : width;
        weights.push_back(read_floats(rows * below));
        weights.push_back(read_floats(rows * p.hidden_size));
        for (int i = 0; i < 2 * p.bias; ++i) weights.push_back(read_floats(rows));
    }
    for (const Floats& weight : weights) dweights.emplace_back(weight.size());
    Floats dy = read_floats(p.batch * p.time * width), dhn = read_floats(state), dcn = read_floats(c0.size());

    const std::vector<float*> given = addresses(weights), wanted = addresses(dweights);
    Aligned ahead(ostinato_pack_size(&p, 0)), back(ostinato_pack_size(&p, 1)), saved(ostinato_saved_size(&p));
    ostinato_pack(&p, given.data(), 0, ahead.floats.get());
    ostinato_pack(&p, given.data(), 1, back.floats.get());
    Floats y(dy.size()), hn(state), cn(c0.size()), dx(x.size()), dh0(state), dc0(c0.size());
    const auto inputs = [&](Floats& data) { return OstinatoSequence{data.data(), p.time * p.input_size, p.input_size}; };
    const auto outputs = [&](Floats& data) { return OstinatoSequence{data.data(), p.time * width, width}; };
    const OstinatoForward forward = {inputs(x), outputs(y), ahead.floats.get(), h0.data(), c0.data(), hn.data(), cn.data(), saved.floats.get()};
    OstinatoBackward backward = {};
    backward.x = inputs(x), backward.dy = outputs(dy), backward.dx = inputs(dx);
    backward.packed = back.floats.get(), backward.saved = saved.floats.get(), backward.dweights = wanted.data();
    backward.h0 = h0.data(), backward.c0 = c0.data(), backward.dhn = dhn.data(), backward.dcn = dcn.data();
    backward.dh0 = dh0.data(), backward.dc0 = dc0.data();
    if (ostinato_forward(&p, &forward) || ostinato_backward(&p, &backward)) std::abort();
    for (const Floats* result : {&y, &hn, &cn, &dx, &dh0, &dc0}) write_floats(*result);
    for (const Floats& result : dweights) write_floats(result);
}

}  // namespace

int main() {
    for (int64_t cases = read_number(); cases > 0; --cases) run_case();
    return 0;
}
