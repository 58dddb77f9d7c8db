// Matrix products in register tiles: up to ROWS rows times four vectors of sums, held in registers over the whole
// inner dimension. Every number is summed in the order of the inner dimension, however the rows are divided into
// tiles, so the bits do not depend on the division.
#ifndef OSTINATO_TILE_H
#define OSTINATO_TILE_H

#include <cstdint>

#include "vec.h"

namespace {

constexpr int WIDE = Lanes<Wide>::count;
constexpr int HALF = Lanes<Half>::count;
constexpr int PANEL = 4;  // vectors across a tile

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Columns [start, start + width): `vectors` of them wide but for the last, which is half where `half`.
struct Panel {
    int64_t start, width;
    int vectors, half;
};

// Divides columns, a multiple of 8, into panels of nearly equal numbers of vectors.
struct Panels {
    int64_t wide, half, vectors, count;

    explicit Panels(int64_t columns)
        : wide(columns / WIDE), half(columns % WIDE != 0), vectors(wide + half), count((vectors + PANEL - 1) / PANEL) {}

    Panel operator[](int64_t index) const {
        const int64_t first = index * vectors / count;
        const int64_t last = (index + 1) * vectors / count;
        const int is_half = half && index == count - 1;
        const int64_t width = (last - first - is_half) * WIDE + is_half * HALF;
        return {first * WIDE, width, static_cast<int>(last - first), is_half};
    }
};

// Divides rows into tiles of nearly equal height.
struct Tiles {
    int64_t rows, count;

    explicit Tiles(int64_t rows) : rows(rows), count((rows + ROWS - 1) / ROWS) {}

    int64_t start(int64_t index) const { return index * rows / count; }
};

// The sums of one tile: HEIGHT rows, VECTORS vectors of columns of which the last is half where HALVED.
template <int HEIGHT, int VECTORS, bool HALVED> struct Sums {
    static constexpr int FULL = VECTORS - HALVED;
    Wide full[HEIGHT][FULL ? FULL : 1] = {};
    Half ends[HEIGHT] = {};
};

// sums(r, n) += sum over k of a(r, k) * b(k, n). From row to row of a there are `a_stride` floats, or ACROSS from k to k.
template <bool ACROSS, int HEIGHT, int VECTORS, bool HALVED>
OSTINATO_INLINE void accumulate_tile(Sums<HEIGHT, VECTORS, HALVED>& sums, const float* a, int64_t a_stride,
                                     const float* b, int64_t b_stride, int64_t inner) {
    constexpr int FULL = VECTORS - HALVED;
    for (int64_t k = 0; k < inner; ++k, b += b_stride) {
        Wide columns[FULL ? FULL : 1];
#pragma GCC unroll 4
        for (int n = 0; n < FULL; ++n) columns[n] = load<Wide>(b + n * WIDE);
        Half last = {};
        if (HALVED) last = load<Half>(b + FULL * WIDE);
#pragma GCC unroll 6
        for (int r = 0; r < HEIGHT; ++r) {
            const Wide value = broadcast<Wide>(ACROSS ? a[k * a_stride + r] : a[r * a_stride + k]);
#pragma GCC unroll 4
            for (int n = 0; n < FULL; ++n) sums.full[r][n] = multiply_add(value, columns[n], sums.full[r][n]);
            if (HALVED) sums.ends[r] = multiply_add(lower(value), last, sums.ends[r]);
        }
    }
}

// Finds Kind::tile<HEIGHT, VECTORS, HALVED> for a height and a panel. Kind says of what type these functions are.
template <class Kind, int HEIGHT> typename Kind::Function tile_of_height(const Panel& panel) {
    typedef typename Kind::Function Function;
    static const Function whole[] = {
        Kind::template tile<HEIGHT, 1, false>, Kind::template tile<HEIGHT, 2, false>,
        Kind::template tile<HEIGHT, 3, false>, Kind::template tile<HEIGHT, 4, false>};
    if constexpr (HAS_HALF) {
        static const Function halved[] = {
            Kind::template tile<HEIGHT, 1, true>, Kind::template tile<HEIGHT, 2, true>,
            Kind::template tile<HEIGHT, 3, true>, Kind::template tile<HEIGHT, 4, true>};
        if (panel.half) return halved[panel.vectors - 1];
    }
    return whole[panel.vectors - 1];
}

template <class Kind> typename Kind::Function tile_function(int64_t height, const Panel& panel) {
    if constexpr (ROWS == 6) {
        if (height == 6) return tile_of_height<Kind, 6>(panel);
        if (height == 5) return tile_of_height<Kind, 5>(panel);
        if (height == 4) return tile_of_height<Kind, 4>(panel);
    }
    if (height == 3) return tile_of_height<Kind, 3>(panel);
    if (height == 2) return tile_of_height<Kind, 2>(panel);
    return tile_of_height<Kind, 1>(panel);
}

// The operands of c(r, n) = sum over k of a(r, k) * b(k, n).
struct Product {
    const float* a;
    int64_t a_stride;   // from row to row, or from k to k where ACROSS
    const float* b;
    int64_t b_stride;   // from k to k
    int64_t inner;
    float* c;
    int64_t c_stride;
    bool add;           // add to what c holds
};

template <bool ACROSS> struct Multiply {
    typedef void (*Function)(const Product&);

    template <class V> static OSTINATO_INLINE void finish(const Product& p, int64_t row, int offset, V sum) {
        float* to = p.c + row * p.c_stride + offset;
        store<V>(to, p.add ? load<V>(to) + sum : sum);
    }

    template <int HEIGHT, int VECTORS, bool HALVED> static void tile(const Product& p) {
        constexpr int FULL = VECTORS - HALVED;
        Sums<HEIGHT, VECTORS, HALVED> sums;
        accumulate_tile<ACROSS>(sums, p.a, p.a_stride, p.b, p.b_stride, p.inner);
#pragma GCC unroll 6
        for (int r = 0; r < HEIGHT; ++r) {
#pragma GCC unroll 4
            for (int n = 0; n < FULL; ++n) finish(p, r, n * WIDE, sums.full[r][n]);
            if (HALVED) finish(p, r, FULL * WIDE, sums.ends[r]);
        }
    }
};

// All rows of one panel. `p` is for row 0 and the panel's first column.
template <bool ACROSS> void multiply_panel(const Product& p, int64_t rows, const Panel& panel) {
    const Tiles tiles(rows);
    for (int64_t i = 0; i < tiles.count; ++i) {
        const int64_t row = tiles.start(i);
        Product part = p;
        part.a += row * (ACROSS ? 1 : p.a_stride);
        part.c += row * p.c_stride;
        tile_function<Multiply<ACROSS>>(tiles.start(i + 1) - row, panel)(part);
    }
}

// c = a b for b packed panel after panel, each (inner, width). `columns` is a multiple of 8.
void multiply_packed(Product p, int64_t rows, int64_t columns) {
    const Panels panels(columns);
    const float* packed = p.b;
    float* c = p.c;
    for (int64_t i = 0; i < panels.count; ++i) {
        const Panel panel = panels[i];
        p.b = packed + panel.start * p.inner;
        p.b_stride = panel.width;
        p.c = c + panel.start;
        multiply_panel<false>(p, rows, panel);
    }
}

// c(r, n) = sum over k of a(k, r) * b(k, n), for b as it lies. `columns` is a multiple of 8.
void multiply_across(Product p, int64_t rows, int64_t columns) {
    const Panels panels(columns);
    const float* b = p.b;
    float* c = p.c;
    for (int64_t i = 0; i < panels.count; ++i) {
        const Panel panel = panels[i];
        p.b = b + panel.start;
        p.c = c + panel.start;
        multiply_panel<true>(p, rows, panel);
    }
}

}  // namespace

#endif
