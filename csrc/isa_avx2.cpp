#define OSTINATO_ISA_NAME "avx2"
#include "kernels.inl"
