/*
 * A disk that forgets what was not synced: a library for LD_PRELOAD on Linux.
 *
 * Killing a process loses nothing, because the kernel keeps what it has written. Losing power loses everything that
 * was not synced. This library notes, while a program runs, what a power loss would leave of one directory tree, so
 * that a test can kill the program and then put exactly that back.
 *
 * Environment:
 *   TIDEGATE_POWERLOSS_ROOT    the tree to watch (absolute, without symbolic links)
 *   TIDEGATE_POWERLOSS_SHADOW  where the durable state is kept; holds the directories `files` and `dirs`
 *   TIDEGATE_POWERLOSS_DEAF    optional: syncs of paths that contain this count for nothing, to see what that does
 *
 * The durable state ("shadow"), keyed by inode number:
 *   files/<inode>  content of a file as of its last sync, with its mode
 *   dirs/<inode>   entries of a directory as of its last sync: "<d or f> <inode> <name>", each ended by a NUL byte
 *
 * The model is stricter than most file systems:
 *   - fsync or fdatasync of a file makes its content durable, but not its name, be the file new or renamed;
 *   - fsync of a directory makes its entries durable (creations, renames, removals), but not the content of the files;
 *   - a write through a descriptor opened with O_SYNC or O_DSYNC counts as followed by an fdatasync;
 *   - sync_file_range, sync and syncfs count for nothing.
 *
 * Only syncs change the shadow, so only they (and writes, for O_DSYNC) have to be intercepted: opens, renames and
 * removals take effect when somebody syncs. Renames are merely kept from running while a directory is being read, which
 * could otherwise miss both names of a file. Inode numbers in the shadow must stay unique, so each inode that enters
 * it is held by an O_PATH descriptor until the process ends; neither opening nor closing such a descriptor disturbs the
 * record locks that SQLite depends on.
 *
 * Inside this library every system call is made through syscall(2), past the wrappers that it replaces.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define COPY_CHUNK (256 * 1024)
#define MAX_HELD (64 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static char shadow[PATH_MAX];
static char deaf[NAME_MAX];
static ino_t held[MAX_HELD];
static size_t held_count;

/* A shadow that is not complete would make tests fail, or pass, for the wrong reason: stop at once. */
static void give_up(const char *what)
{
    char message[256];
    int length = snprintf(message, sizeof message, "power-loss shim: %s: %s\n", what, strerror(errno));
    syscall(SYS_write, STDERR_FILENO, message, (size_t)length);
    abort();
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *root_value = getenv("TIDEGATE_POWERLOSS_ROOT");
    const char *shadow_value = getenv("TIDEGATE_POWERLOSS_SHADOW");
    const char *deaf_value = getenv("TIDEGATE_POWERLOSS_DEAF");
    if (root_value == NULL || shadow_value == NULL)
        return;
    snprintf(root, sizeof root, "%s", root_value);
    snprintf(shadow, sizeof shadow, "%s", shadow_value);
    if (deaf_value != NULL)
        snprintf(deaf, sizeof deaf, "%s", deaf_value);
}

/* Whether the descriptor is open on something inside the watched tree, or on its root. */
static int is_watched(int fd)
{
    char link[64], path[PATH_MAX];
    size_t root_length = strlen(root);
    if (root_length == 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < (ssize_t)root_length)
        return 0;
    path[length] = '\0';
    if (deaf[0] != '\0' && strstr(path, deaf) != NULL)
        return 0;
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == '\0');
}

/* Keeps an O_PATH descriptor, so that the number of its inode is not given to another file. */
static void hold(int path_descriptor, ino_t inode)
{
    for (size_t i = 0; i < held_count; i++) {
        if (held[i] == inode) {
            syscall(SYS_close, path_descriptor);
            return;
        }
    }
    if (held_count == MAX_HELD)
        give_up("too many inodes");
    held[held_count++] = inode;
}

static void hold_descriptor(int fd, ino_t inode)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int path_descriptor = (int)syscall(SYS_openat, AT_FDCWD, link, O_PATH | O_CLOEXEC, 0);
    if (path_descriptor < 0)
        give_up("cannot hold an inode");
    hold(path_descriptor, inode);
}

static void write_fully(int fd, const char *bytes, size_t length, off_t offset)
{
    while (length > 0) {
        ssize_t written = syscall(SYS_pwrite64, fd, bytes, length, offset);
        if (written < 0)
            give_up("cannot write the shadow");
        bytes += written;
        length -= (size_t)written;
        offset += written;
    }
}

/*
 * Copies the content over the old copy and cuts the rest only then: if the process is killed in between, the copy is a
 * mixture of old and new blocks, which is what a disk may hold after an fsync that did not return.
 */
static void record_file(int fd, const struct stat *status)
{
    static char buffer[COPY_CHUNK];
    char path[PATH_MAX + 64];
    int source = fd;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        source = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        if (source < 0)
            give_up("cannot read a file that is open for writing only");
    }
    snprintf(path, sizeof path, "%s/files/%ju", shadow, (uintmax_t)status->st_ino);
    int copy = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (copy < 0)
        give_up("cannot open the shadow of a file");
    off_t offset = 0;
    for (;;) {
        ssize_t length = syscall(SYS_pread64, source, buffer, sizeof buffer, offset);
        if (length < 0)
            give_up("cannot read a file");
        if (length == 0)
            break;
        write_fully(copy, buffer, (size_t)length, offset);
        offset += length;
    }
    if (syscall(SYS_ftruncate, copy, offset) < 0 || syscall(SYS_fchmod, copy, status->st_mode & 07777) < 0)
        give_up("cannot finish the shadow of a file");
    syscall(SYS_close, copy);
    if (source != fd)
        syscall(SYS_close, source);
}

static void record_directory(int fd, const struct stat *status)
{
    char path[PATH_MAX + 64], unfinished[PATH_MAX + 80], line[NAME_MAX + 64];
    snprintf(path, sizeof path, "%s/dirs/%ju", shadow, (uintmax_t)status->st_ino);
    snprintf(unfinished, sizeof unfinished, "%s.unfinished", path);
    int list = (int)syscall(SYS_openat, AT_FDCWD, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int own = (int)syscall(SYS_openat, fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *stream = own < 0 ? NULL : fdopendir(own);
    if (list < 0 || stream == NULL)
        give_up("cannot open a directory and its shadow");
    off_t offset = 0;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        struct stat of_entry;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int path_descriptor = (int)syscall(SYS_openat, fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        if (path_descriptor < 0 && errno == ENOENT)
            continue;
        if (path_descriptor < 0 || fstat(path_descriptor, &of_entry) < 0)
            give_up("cannot look at a directory entry");
        hold(path_descriptor, of_entry.st_ino);
        if (!S_ISDIR(of_entry.st_mode) && !S_ISREG(of_entry.st_mode))
            continue;
        char kind = S_ISDIR(of_entry.st_mode) ? 'd' : 'f';
        int length = snprintf(line, sizeof line, "%c %ju %s", kind, (uintmax_t)of_entry.st_ino, entry->d_name) + 1;
        write_fully(list, line, (size_t)length, offset);
        offset += length;
    }
    closedir(stream);
    syscall(SYS_close, list);
    if (syscall(SYS_renameat2, AT_FDCWD, unfinished, AT_FDCWD, path, 0) < 0)
        give_up("cannot replace the shadow of a directory");
}

/* Notes what a sync of this descriptor has made durable. Leaves errno as it is. */
static void record(int fd)
{
    int saved = errno;
    struct stat status;
    if (is_watched(fd) && fstat(fd, &status) == 0) {
        pthread_mutex_lock(&lock);
        hold_descriptor(fd, status.st_ino);
        if (S_ISREG(status.st_mode))
            record_file(fd, &status);
        else if (S_ISDIR(status.st_mode))
            record_directory(fd, &status);
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
}

int fsync(int fd)
{
    int result = (int)syscall(SYS_fsync, fd);
    if (result == 0)
        record(fd);
    return result;
}

int fdatasync(int fd)
{
    int result = (int)syscall(SYS_fdatasync, fd);
    if (result == 0)
        record(fd);
    return result;
}

static ssize_t after_write(int fd, ssize_t result)
{
    int saved = errno;
    int flags = result < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_DSYNC) != 0)
        record(fd);
    errno = saved;
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    return after_write(fd, syscall(SYS_write, fd, bytes, length));
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return after_write(fd, syscall(SYS_writev, fd, parts, count));
}

/* On the 64-bit systems that this supports, the variants with and without 64 in the name are the same. */
_Static_assert(sizeof(off_t) == 8 && sizeof(long) == 8, "needs a 64-bit system");

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return after_write(fd, syscall(SYS_pwrite64, fd, bytes, length, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    return pwrite(fd, bytes, length, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return after_write(fd, syscall(SYS_pwritev, fd, parts, count, offset, 0L));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev(fd, parts, count, offset);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    return after_write(fd, syscall(SYS_pwritev2, fd, parts, count, offset, 0L, flags));
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags)
{
    return pwritev2(fd, parts, count, offset, flags);
}

static int locked_rename(int old_directory, const char *old_path, int new_directory, const char *new_path, unsigned flags)
{
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_renameat2, old_directory, old_path, new_directory, new_path, flags);
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *old_path, const char *new_path)
{
    return locked_rename(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

int renameat(int old_directory, const char *old_path, int new_directory, const char *new_path)
{
    return locked_rename(old_directory, old_path, new_directory, new_path, 0);
}

int renameat2(int old_directory, const char *old_path, int new_directory, const char *new_path, unsigned flags)
{
    return locked_rename(old_directory, old_path, new_directory, new_path, flags);
}
