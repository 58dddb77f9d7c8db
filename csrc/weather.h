// Whether other threads are a help just now.
#ifndef OSTINATO_WEATHER_H
#define OSTINATO_WEATHER_H

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ostinato {

typedef std::chrono::steady_clock Clock;

inline double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

// On a busy machine a thread that has taken a task may be put aside for longer than the whole work takes; after such a
// loss the caller works alone for a while, longer each time it happens again. The results are the same either way.
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

}  // namespace ostinato

#endif
