#define OSTINATO_ISA_NAME "avx512"
#include "kernels.inl"
