/* Loaded in front of libc by the tests: writes and syncs of a session fail, and the clock jumps, as long as files
 * named by the environment say so. Everything else goes through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

/* What stands in the file that a variable names; 0 if there is none. */
static long told(const char *variable, char *text, size_t size) {
    const char *path = getenv(variable);
    if (path == NULL) return 0;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    long length = syscall(SYS_read, fd, text, size - 1);
    syscall(SYS_close, fd);
    if (length < 0) length = 0;
    text[length] = 0;
    return length;
}

/* Whether this way of writing (w) or syncing (s) a session fails now. */
static int fails(int fd, char way) {
    char text[16], link[64], path[512];
    if (told("INVIGIL_TEST_FAULT", text, sizeof text) == 0 || strchr(text, way) == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strstr(path, ".sqlite") == NULL) return 0;
    errno = EIO;
    return 1;
}

ssize_t write(int fd, const void *data, size_t size) {
    if (fails(fd, 'w')) return -1;
    return syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    if (fails(fd, 'w')) return -1;
    return REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t))(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    if (fails(fd, 'w')) return -1;
    return REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off64_t))(fd, data, size, at);
}

int ftruncate64(int fd, off64_t size) {
    if (fails(fd, 'w')) return -1;
    return REAL("ftruncate64", int (*)(int, off64_t))(fd, size);
}

int fsync(int fd) {
    if (fails(fd, 's')) return -1;
    return syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    if (fails(fd, 's')) return -1;
    return syscall(SYS_fdatasync, fd);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long done = syscall(SYS_clock_gettime, clock, now);
    char text[32];
    if (done == 0 && clock == CLOCK_REALTIME && told("INVIGIL_TEST_CLOCK", text, sizeof text) > 0) {
        now->tv_sec += atol(text);
    }
    return (int)done;
}
