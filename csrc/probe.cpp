// Which instruction set this processor and its operating system can use, best first. Compiled for the baseline.

extern "C" __attribute__((visibility("default"))) const char* ostinato_best_isa(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // Each library is compiled for all of these; __builtin_cpu_supports also asks whether the system saves the registers.
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    return avx2 && avx512 ? "avx512" : avx2 ? "avx2" : "baseline";
#elif defined(__aarch64__)
    return "neon";
#else
    return "baseline";
#endif
}
