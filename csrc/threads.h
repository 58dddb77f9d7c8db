// A small pool of threads, compiled once for the baseline of the processor family.
//
// The caller works too, starts at once, and waits only for tasks that another thread has taken: a thread that is late
// because the machine is busy takes none and holds nobody up.
#ifndef OSTINATO_THREADS_H
#define OSTINATO_THREADS_H

#include <cstdint>

namespace ostinato {

// Does task `index` of some work on thread number `worker` < threads.
typedef void (*Task)(void* work, int64_t index, int64_t worker);

// Does tasks 0 ... count - 1, each once, on at most `threads` threads, the caller being number 0.
void run_tasks(int64_t count, int64_t threads, Task task, void* work);

}  // namespace ostinato

#endif
