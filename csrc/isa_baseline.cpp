#define OSTINATO_ISA_NAME "baseline"
#include "kernels.inl"
