// Vectors of floats: load, store, multiply-add, exp, tanh and sigmoid for the instruction set being compiled.
//
// The vectors are GCC's and Clang's own vector types, so + - * work on them everywhere; only what the compiler
// cannot say for itself is written with intrinsics. The build forbids contracting a * b + c (-ffp-contract=off):
// every multiply-add is asked for by name, so the same formula gives the same bits wherever it is compiled in.
#ifndef OSTINATO_VEC_H
#define OSTINATO_VEC_H

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define OSTINATO_INLINE inline __attribute__((always_inline))

namespace {

typedef float Vec4 __attribute__((vector_size(16)));
typedef float Vec8 __attribute__((vector_size(32)));
typedef float Vec16 __attribute__((vector_size(64)));

template <class V> struct Lanes;
template <> struct Lanes<Vec4> { typedef int32_t Integers __attribute__((vector_size(16))); static constexpr int count = 4; };
template <> struct Lanes<Vec8> { typedef int32_t Integers __attribute__((vector_size(32))); static constexpr int count = 8; };
template <> struct Lanes<Vec16> { typedef int32_t Integers __attribute__((vector_size(64))); static constexpr int count = 16; };

// Wide is the vector the tiles are made of. Half is for the last 8 columns of a matrix, where Wide has 16.
// ROWS is how many rows of four vectors of sums fit into the registers.
#if defined(__AVX512F__)
typedef Vec16 Wide;
typedef Vec8 Half;
constexpr bool HAS_HALF = true;
constexpr int ROWS = 6;
#elif defined(__AVX2__)
typedef Vec8 Wide;
typedef Vec8 Half;
constexpr bool HAS_HALF = false;
constexpr int ROWS = 3;
#else
typedef Vec4 Wide;
typedef Vec4 Half;
constexpr bool HAS_HALF = false;
#if defined(__aarch64__)
constexpr int ROWS = 6;
#else
constexpr int ROWS = 3;
#endif
#endif

template <class V> OSTINATO_INLINE V load(const float* from) {
    V value;
    std::memcpy(&value, from, sizeof(V));
    return value;
}

template <class V> OSTINATO_INLINE void store(float* to, V value) { std::memcpy(to, &value, sizeof(V)); }

// Stores past the caches, for what is not read again before they have been filled many times. `to` is aligned.
template <class V> OSTINATO_INLINE void stream(float* to, V value) { store(to, value); }
#if defined(__AVX512F__)
template <> OSTINATO_INLINE void stream<Vec16>(float* to, Vec16 value) { _mm512_stream_ps(to, value); }
#endif
#if defined(__AVX2__)
template <> OSTINATO_INLINE void stream<Vec8>(float* to, Vec8 value) { _mm256_stream_ps(to, value); }
#elif defined(__x86_64__)
template <> OSTINATO_INLINE void stream<Vec4>(float* to, Vec4 value) { _mm_stream_ps(to, value); }
#endif

// Rows are short: a loop in place beats a call.
OSTINATO_INLINE void copy_floats(float* to, const float* from, int64_t count) {
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) store(to + i, load<Vec16>(from + i));
    if (i + 8 <= count) {
        store(to + i, load<Vec8>(from + i));
        i += 8;
    }
    for (; i < count; ++i) to[i] = from[i];
}

// Stores the first `count` lanes, or all where there are fewer. The loop is apart: it is seldom needed, in many places.
template <class V> __attribute__((noinline)) void store_some(float* to, V value, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = value[i];
}
template <class V> OSTINATO_INLINE void store_first(float* to, V value, int64_t count) {
    if (count < Lanes<V>::count) return store_some(to, value, count);
    store(to, value);
}

// Subtracting zero changes no float, so that the compiler makes a plain broadcast of it.
template <class V> OSTINATO_INLINE V broadcast(float value) { return value - V{}; }

// The first lanes of a vector all of whose lanes are the same.
OSTINATO_INLINE Half lower(Wide value) {
    Half half;
    std::memcpy(&half, &value, sizeof(half));
    return half;
}

// multiply_add(a, b, c) is a * b + c, rounded once where the instruction set can.
// The lesser and the greater of a bound and x; the bound comes first so that a NaN in x stays one.
#if defined(__AVX512F__)
OSTINATO_INLINE Vec16 multiply_add(Vec16 a, Vec16 b, Vec16 c) { return _mm512_fmadd_ps(a, b, c); }
OSTINATO_INLINE Vec16 at_least(Vec16 bound, Vec16 x) { return _mm512_max_ps(bound, x); }
OSTINATO_INLINE Vec16 at_most(Vec16 bound, Vec16 x) { return _mm512_min_ps(bound, x); }
OSTINATO_INLINE Vec16 round_nearest(Vec16 x) { return _mm512_roundscale_ps(x, 8); }
OSTINATO_INLINE Vec16 times_power(Vec16 x, Vec16 n) { return _mm512_scalef_ps(x, n); }
// 14 good bits from the table, 28 after one step of Newton's.
OSTINATO_INLINE Vec16 reciprocal(Vec16 x) {
    const Vec16 guess = _mm512_rcp14_ps(x);
    return multiply_add(guess, _mm512_fnmadd_ps(x, guess, broadcast<Vec16>(1.0f)), guess);
}
#endif

#if defined(__AVX2__)
OSTINATO_INLINE Vec8 multiply_add(Vec8 a, Vec8 b, Vec8 c) { return _mm256_fmadd_ps(a, b, c); }
OSTINATO_INLINE Vec8 at_least(Vec8 bound, Vec8 x) { return _mm256_max_ps(bound, x); }
OSTINATO_INLINE Vec8 at_most(Vec8 bound, Vec8 x) { return _mm256_min_ps(bound, x); }
OSTINATO_INLINE Vec8 round_nearest(Vec8 x) { return _mm256_round_ps(x, 8); }
#elif defined(__aarch64__)
OSTINATO_INLINE Vec4 multiply_add(Vec4 a, Vec4 b, Vec4 c) { return vfmaq_f32(c, a, b); }
OSTINATO_INLINE Vec4 at_least(Vec4 bound, Vec4 x) { return vmaxq_f32(bound, x); }
OSTINATO_INLINE Vec4 at_most(Vec4 bound, Vec4 x) { return vminq_f32(bound, x); }
OSTINATO_INLINE Vec4 round_nearest(Vec4 x) { return vrndnq_f32(x); }
#elif defined(__x86_64__)
OSTINATO_INLINE Vec4 multiply_add(Vec4 a, Vec4 b, Vec4 c) { return a * b + c; }
OSTINATO_INLINE Vec4 at_least(Vec4 bound, Vec4 x) { return _mm_max_ps(bound, x); }
OSTINATO_INLINE Vec4 at_most(Vec4 bound, Vec4 x) { return _mm_min_ps(bound, x); }
OSTINATO_INLINE Vec4 round_nearest(Vec4 x) { return _mm_cvtepi32_ps(_mm_cvtps_epi32(x)); }
#else
OSTINATO_INLINE Vec4 multiply_add(Vec4 a, Vec4 b, Vec4 c) { return a * b + c; }
OSTINATO_INLINE Vec4 at_least(Vec4 bound, Vec4 x) { return x < bound ? bound : x; }
OSTINATO_INLINE Vec4 at_most(Vec4 bound, Vec4 x) { return x > bound ? bound : x; }
// Adding 1.5 * 2^23 pushes the fraction out of the 24 bits of a float.
OSTINATO_INLINE Vec4 round_nearest(Vec4 x) { return (x + 12582912.0f) - 12582912.0f; }
#endif

#if defined(__AVX512VL__)
OSTINATO_INLINE Vec8 times_power(Vec8 x, Vec8 n) { return _mm256_scalef_ps(x, n); }
OSTINATO_INLINE Vec8 reciprocal(Vec8 x) {
    const Vec8 guess = _mm256_rcp14_ps(x);
    return multiply_add(guess, _mm256_fnmadd_ps(x, guess, broadcast<Vec8>(1.0f)), guess);
}
#endif

// x * 2^n for whole n from -126 to 127, by writing n into the exponent bits.
template <class V> OSTINATO_INLINE V times_power(V x, V n) {
    typedef typename Lanes<V>::Integers Integers;
    const Integers bits = (__builtin_convertvector(n, Integers) + 127) << 23;
    V power;
    std::memcpy(&power, &bits, sizeof(V));
    return x * power;
}

template <class V> OSTINATO_INLINE V reciprocal(V x) { return broadcast<V>(1.0f) / x; }

// 2^x for |x| <= 100: 2^round(x) times a polynomial in the rest, relative error 7.5e-8 (least squares, reweighted).
template <class V> OSTINATO_INLINE V exp2(V x) {
    const V whole = round_nearest(x);
    const V rest = x - whole;
    V sum = broadcast<V>(0.0013276471806879082f);
    sum = multiply_add(sum, rest, broadcast<V>(0.009675541332957942f));
    sum = multiply_add(sum, rest, broadcast<V>(0.055507132740719604f));
    sum = multiply_add(sum, rest, broadcast<V>(0.24022119723877106f));
    sum = multiply_add(sum, rest, broadcast<V>(0.6931469670644094f));
    sum = multiply_add(sum, rest, broadcast<V>(1.0f));
    return times_power(sum, whole);
}

// 1 / (1 + exp(-x))
template <class V> OSTINATO_INLINE V sigmoid(V x) {
    const V scaled = x * -1.44269504088896341f;
    const V bounded = at_most(broadcast<V>(100.0f), at_least(broadcast<V>(-100.0f), scaled));
    return reciprocal(exp2(bounded) + 1.0f);
}

// x * P(x^2) / Q(x^2) for |x| <= 9, where tanh is 1 in float32 from; relative error 2.1e-8 (least squares, reweighted).
template <class V> OSTINATO_INLINE V tanh(V x) {
    const V bounded = at_most(broadcast<V>(9.0f), at_least(broadcast<V>(-9.0f), x));
    const V square = bounded * bounded;
    V above = broadcast<V>(1.3354081294052063e-08f);
    above = multiply_add(above, square, broadcast<V>(2.0608815414268608e-05f));
    above = multiply_add(above, square, broadcast<V>(0.0034955792925080126f));
    above = multiply_add(above, square, broadcast<V>(0.1338102093961831f));
    above = multiply_add(above, square, broadcast<V>(1.0f));
    V below = broadcast<V>(7.776364416541886e-07f);
    below = multiply_add(below, square, broadcast<V>(0.0003285615001724348f));
    below = multiply_add(below, square, broadcast<V>(0.02587695692745796f));
    below = multiply_add(below, square, broadcast<V>(0.46714336667157097f));
    below = multiply_add(below, square, broadcast<V>(1.0f));
    return bounded * above * reciprocal(below);
}

}  // namespace

#endif
