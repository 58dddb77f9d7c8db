#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "weather.h"

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

// What there is to do. A copy is taken under the lock; tasks are claimed through Pool::next.
struct Job {
    uint32_t number = 0;
    int64_t count = 0, threads = 0;
    Task task = nullptr;
    void* work = nullptr;
};

// The same for a region of an OpenMP runtime, which ends only when all its threads have left it.
struct Region {
    const int64_t count, threads;
    const Task task;
    void* const work;
    const std::thread::id caller = std::this_thread::get_id();
    const Clock::time_point begin = Clock::now();
    std::atomic<int64_t> next{0}, workers{0};
    int64_t own = 0;  // tasks that the caller did, in so many seconds
    double own_seconds = 0;
};

void join_region(void* data) {
    Region& region = *static_cast<Region*>(data);
    const int64_t worker = region.workers.fetch_add(1);
    if (worker >= region.threads) return;
    int64_t own = 0;
    for (int64_t index; (index = region.next.fetch_add(1)) < region.count; ++own) {
        region.task(region.work, index, worker);
    }
    if (std::this_thread::get_id() != region.caller) return;
    region.own = own;
    region.own_seconds = seconds_since(region.begin);
}

void do_alone(int64_t count, Task task, void* work) {
    for (int64_t index = 0; index < count; ++index) task(work, index, 0);
}

std::atomic<Parallel> openmp{nullptr};
std::atomic<MostThreads> most_threads{nullptr};

class Pool {
  public:
    void run(int64_t count, int64_t threads, Task task, void* work) {
        if (weather_.alone()) return do_alone(count, task, work);
        const Parallel parallel = openmp.load();
        if (parallel) return run_in_region(parallel, count, threads, task, work);
        run_on_own(count, threads, task, work);
    }

    // Only one caller at a time has the pool; another does its work alone.
    std::mutex owner;

  private:
    // The whole team is asked for, though some of it may have nothing to do: the runtime ends threads that a smaller
    // region leaves over, and would have to start them again.
    void run_in_region(Parallel parallel, int64_t count, int64_t threads, Task task, void* work) {
        Region region{count, threads, task, work};
        const int64_t team = std::max<int64_t>(threads, most_threads.load()());
        parallel(join_region, &region, static_cast<unsigned>(team), 0);
        weather_.learn(region.own_seconds, region.own, seconds_since(region.begin), count);
    }

    void run_on_own(int64_t count, int64_t threads, Task task, void* work) {
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
        const double own_seconds = seconds_since(begin);
        wait_for_others(count);
        weather_.learn(own_seconds, own, seconds_since(begin), count);
    }

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

// Never destroyed, since its threads may outlive main. A child process has no threads yet: it makes a pool of its own,
// and leaves the OpenMP runtime alone, which takes its threads for alive.
std::atomic<Pool*> pool{nullptr};

void forget_threads() {
    pool.store(nullptr);
    openmp.store(nullptr);
}

void watch_for_forks() {
    static std::once_flag once;
    std::call_once(once, [] { pthread_atfork(nullptr, nullptr, forget_threads); });
}

Pool* the_pool() {
    Pool* current = pool.load();
    if (current) return current;
    watch_for_forks();
    Pool* fresh = new Pool;
    if (pool.compare_exchange_strong(current, fresh)) return fresh;
    delete fresh;
    return current;
}

}  // namespace

void use_openmp(Parallel parallel, MostThreads most) {
    watch_for_forks();
    most_threads.store(most);
    openmp.store(parallel);
}

void run_tasks(int64_t count, int64_t threads, Task task, void* work) {
    threads = threads < count ? threads : count;
    if (threads > 1) {
        Pool* shared = the_pool();
        std::unique_lock<std::mutex> lock(shared->owner, std::try_to_lock);
        if (lock.owns_lock()) return shared->run(count, threads, task, work);
    }
    do_alone(count, task, work);
}

}  // namespace ostinato
