#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace ostinato {
namespace {

constexpr int SPINS = 2000;  // tens of microseconds of looking for work before going to sleep

inline void pause_briefly() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Whether other threads are a help just now. On a busy machine a thread that has taken a task may be put aside for
// longer than the whole work takes; after such a loss the caller works alone for a while, longer each time it happens
// again. The results are the same either way.
class Weather {
  public:
    bool alone() { return alone_ > 0 && alone_-- > 0; }

    // The caller did `own` of `count` tasks in `own_seconds`; all were done after `seconds`.
    void learn(double own_seconds, int64_t own, double seconds, int64_t count) {
        if (own == 0) return;
        const double without_help = own_seconds / static_cast<double>(own) * static_cast<double>(count);
        if (seconds > without_help * 1.1 + TOLERATED) {
            penalty_ = std::min<int64_t>(std::max<int64_t>(2 * penalty_, SHORTEST), LONGEST);
            alone_ = penalty_;
        } else {
            penalty_ /= 2;
        }
    }

  private:
    static constexpr double TOLERATED = 20e-6;  // seconds
    static constexpr int64_t SHORTEST = 4, LONGEST = 512;  // calls
    int64_t alone_ = 0, penalty_ = 0;
};

// What there is to do. A copy is taken under the lock; tasks are claimed through Pool::next.
struct Job {
    uint32_t number = 0;
    int64_t count = 0, threads = 0;
    Task task = nullptr;
    void* work = nullptr;
};

class Pool {
  public:
    void run(int64_t count, int64_t threads, Task task, void* work) {
        if (weather_.alone()) {
            for (int64_t index = 0; index < count; ++index) task(work, index, 0);
            return;
        }
        start_workers(threads - 1);
        const auto begin = Clock::now();
        Job job;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            job = {job_.number + 1, count, threads, task, work};
            job_ = job;
            done_.store(0);
            next_.store(static_cast<uint64_t>(job.number) << 32);
            newest_.store(job.number);
        }
        wake_.notify_all();
        const int64_t own = work_on(job, 0);
        const double own_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        wait_for_others(count);
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        weather_.learn(own_seconds, own, seconds, count);
    }

    // Only one caller at a time has the pool; another does its work alone.
    std::mutex owner;

  private:
    typedef std::chrono::steady_clock Clock;

    void wait_for_others(int64_t count) {
        for (int spin = 0; spin < SPINS && done_.load() < count; ++spin) pause_briefly();
        std::unique_lock<std::mutex> lock(mutex_);
        finished_.wait(lock, [&] { return done_.load() == count; });
    }

    void start_workers(int64_t wanted) {
        while (workers_ < wanted) {
            try {
                std::thread(&Pool::wait_for_jobs, this, workers_ + 1).detach();
            } catch (const std::system_error&) {
                return;  // No more threads to be had: the work is done on those there are.
            }
            ++workers_;
        }
    }

    void wait_for_jobs(int64_t worker) {
        uint32_t seen = 0;
        for (;;) {
            for (int spin = 0; spin < SPINS && newest_.load() == seen; ++spin) pause_briefly();
            Job job;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] { return job_.number != seen; });
                job = job_;
            }
            seen = job.number;
            if (worker < job.threads) work_on(job, worker);
        }
    }

    // Returns how many tasks it did. The number of the job is claimed with the task, so that a late thread never takes a task of a later job.
    int64_t work_on(const Job& job, int64_t worker) {
        int64_t own = 0;
        uint64_t ticket = next_.load();
        while (static_cast<uint32_t>(ticket >> 32) == job.number) {
            const int64_t index = static_cast<uint32_t>(ticket);
            if (index >= job.count) break;
            if (!next_.compare_exchange_weak(ticket, ticket + 1)) continue;
            job.task(job.work, index, worker);
            ++own;
            if (done_.fetch_add(1) + 1 == job.count) {
                std::lock_guard<std::mutex> lock(mutex_);
                finished_.notify_all();
            }
            ticket = next_.load();
        }
        return own;
    }

    std::mutex mutex_;
    std::condition_variable wake_, finished_;
    Job job_;
    Weather weather_;
    std::atomic<uint64_t> next_{0};
    std::atomic<int64_t> done_{0};
    std::atomic<uint32_t> newest_{0};
    int64_t workers_ = 0;
};

// Never destroyed, since its threads may outlive main; made anew in a child process, which has no threads yet.
std::atomic<Pool*> pool{nullptr};

void forget_pool() { pool.store(nullptr); }

Pool* the_pool() {
    Pool* current = pool.load();
    if (current) return current;
    static std::once_flag once;
    std::call_once(once, [] { pthread_atfork(nullptr, nullptr, forget_pool); });
    Pool* fresh = new Pool;
    if (pool.compare_exchange_strong(current, fresh)) return fresh;
    delete fresh;
    return current;
}

}  // namespace

void run_tasks(int64_t count, int64_t threads, Task task, void* work) {
    threads = threads < count ? threads : count;
    if (threads > 1) {
        Pool* shared = the_pool();
        std::unique_lock<std::mutex> lock(shared->owner, std::try_to_lock);
        if (lock.owns_lock()) return shared->run(count, threads, task, work);
    }
    for (int64_t index = 0; index < count; ++index) task(work, index, 0);
}

}  // namespace ostinato
