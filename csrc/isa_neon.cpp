#define OSTINATO_ISA_NAME "neon"
#include "kernels.inl"
