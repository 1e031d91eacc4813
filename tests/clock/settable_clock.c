/* Preloaded into every process of a test's fleet: the wall clock is off by the milliseconds that a
   shared file holds. Other clocks are left alone, as setting a machine's clock leaves them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_ms;

static int64_t offset(void) {
    if (!offset_ms) {
        const char *name = getenv("SETTABLE_CLOCK");
        int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        void *map = MAP_FAILED;
        if (file >= 0) {
            map = mmap(0, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
            close(file);
        }
        static volatile int64_t none = 0;
        offset_ms = map == MAP_FAILED ? &none : (volatile int64_t *)map;
    }
    return *offset_ms;
}

int clock_gettime(clockid_t which, struct timespec *at) {
    int result = syscall(SYS_clock_gettime, which, at);
    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t ns = at->tv_nsec + (offset() % 1000) * 1000000;
        at->tv_sec += offset() / 1000 + (ns < 0 ? -1 : ns / 1000000000);
        at->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
