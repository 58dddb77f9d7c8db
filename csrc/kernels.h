// The C interface of the fused recurrent kernels: plain pointers and sizes, float32, no owner but the caller.
//
// Sizes: B batch, T time, I input, H hidden, L layers, D directions, S = L * D scans (index layer * D + direction).
// Every pointer must stay valid for the length of one call and no longer; nothing is kept between calls.
#ifndef OSTINATO_KERNELS_H
#define OSTINATO_KERNELS_H

#include <stdint.h>

#define OSTINATO_ABI 3

#define OSTINATO_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

enum { OSTINATO_RNN_TANH = 0, OSTINATO_RNN_RELU = 1, OSTINATO_LSTM = 2, OSTINATO_GRU = 3 };

// What a stack of recurrent layers is made of, and how its batch lies in memory.
typedef struct {
    int64_t kind;               // one of the four numbers above
    int64_t batch, time, input_size, hidden_size, layers, directions;
    int64_t bias;               // 1 where the weights include biases
    int64_t threads;            // at most so many threads
    int64_t seed;               // of the dropout masks
    double dropout;             // between layers, 0 where not training
    double recurrent_dropout;   // on the hidden state that enters the gates, one mask for all steps
    const int64_t* lengths;     // (B) real steps of each row, 0 ... T; null where every step is real
} OstinatoProblem;

// Rows are `row` floats apart from sample to sample and `time` floats apart from step to step.
typedef struct {
    float* data;                // (B, T, features), features next to each other
    int64_t row, time;
} OstinatoSequence;

typedef struct {
    OstinatoSequence x;         // (B, T, I)
    OstinatoSequence y;         // (B, T, D * H), written; zeros at padding
    const float* packed;        // from ostinato_pack, forward
    const float* h0;            // (S, B, H), or null for zeros
    const float* c0;            // (S, B, H), LSTM only, or null for zeros
    float* hn;                  // (S, B, H), written
    float* cn;                  // (S, B, H), LSTM only, written
    float* saved;               // ostinato_saved_size floats for the backward pass, or null at inference
} OstinatoForward;

typedef struct {
    OstinatoSequence x;         // as given to the forward pass
    OstinatoSequence dy;        // (B, T, D * H), data null for zeros
    OstinatoSequence dx;        // (B, T, I), written, zeros at padding; data null where not wanted
    const float* packed;        // from ostinato_pack, backward
    const float* h0;            // as in the forward pass
    const float* c0;
    const float* saved;
    const float* dhn;           // (S, B, H), or null for zeros
    const float* dcn;           // (S, B, H), or null for zeros
    float* dh0;                 // (S, B, H), written, or null where not wanted
    float* dc0;                 // (S, B, H), written, or null where not wanted
    float* const* dweights;     // per scan: (G*H, I), (G*H, H), and with bias (G*H), (G*H); written; null where not wanted
    float* norms;               // (S, B, T), written but for padding: norm of the gradient of the state after each step,
                                // where c counts without its way into that step's h; null where not wanted
} OstinatoBackward;

OSTINATO_API int64_t ostinato_abi(void);
OSTINATO_API const char* ostinato_isa(void);

// Shares the threads of the OpenMP runtime that torch has brought into the process, by its GOMP_parallel and
// omp_get_max_threads, which must stay loaded. Without this call the kernels have threads of their own.
OSTINATO_API void ostinato_share_threads(void (*gomp_parallel)(void (*)(void*), void*, unsigned, unsigned),
                                         int (*omp_get_max_threads)(void));

// Floats that the packed weights and the saved values take.
OSTINATO_API int64_t ostinato_pack_size(const OstinatoProblem* problem, int64_t backward);
OSTINATO_API int64_t ostinato_saved_size(const OstinatoProblem* problem);

// `weights`: per scan weight_ih (G*H, I), weight_hh (G*H, H), and with bias bias_ih (G*H), bias_hh (G*H).
OSTINATO_API void ostinato_pack(const OstinatoProblem* problem, const float* const* weights, int64_t backward, float* packed);

// A number that changes when the weights do, to tell whether packed weights are still true.
OSTINATO_API uint64_t ostinato_fingerprint(const OstinatoProblem* problem, const float* const* weights);

// Both return 0, or 1 where memory for the work in between could not be had.
OSTINATO_API int64_t ostinato_forward(const OstinatoProblem* problem, const OstinatoForward* tensors);
OSTINATO_API int64_t ostinato_backward(const OstinatoProblem* problem, const OstinatoBackward* tensors);

// The masks of a problem: between layers `(B, T, D * H)` on the inputs of `layer` >= 1, or recurrent `(B, H)` of `scan`.
OSTINATO_API void ostinato_dropout_mask(const OstinatoProblem* problem, int64_t layer, float* mask);
OSTINATO_API void ostinato_recurrent_mask(const OstinatoProblem* problem, int64_t scan, float* mask);

#ifdef __cplusplus
}
#endif

#endif
