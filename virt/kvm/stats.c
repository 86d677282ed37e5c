// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading statistics: files of KVM_GET_STATS_FD that describe themselves, and debugfs.
 *
 * debugfs: kvm/NAME is the sum over all VMs, kvm/PID-FD/NAME over a VM (PID: of the process that
 * made it, FD: what KVM_CREATE_VM returned), kvm/PID-FD/vcpuID/ has one vCPU. What can't be created
 * there isn't there: no VM depends on it.
 */

#include <linux/anon_inodes.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "arch.h"
#include "core.h"
#include "vcpu.h"

static_assert(sizeof(struct kvm_stat_row) == sizeof(struct kvm_stats_desc) + KVM_STAT_NAME);
static_assert(offsetof(struct kvm_stat_row, exponent) == offsetof(struct kvm_stats_desc, exponent));
static_assert(offsetof(struct kvm_stat_row, size) == offsetof(struct kvm_stats_desc, size));
static_assert(offsetof(struct kvm_stat_row, offset) == offsetof(struct kvm_stats_desc, offset));
static_assert(offsetof(struct kvm_stat_row, name) == offsetof(struct kvm_stats_desc, name));

/* --- values ---------------------------------------------------------------------------------- */

/* The words of a row together: of a histogram, how many times there were. */
static u64 row_value(const struct kvm_stat_row *row, const void *data)
{
	const u64 *word = data + row->offset;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < row->size; i++)
		sum += READ_ONCE(word[i]);
	return sum;
}

static bool is_vm_row(const struct kvm_stat_row *row)
{
	return row >= kvm_vm_stat_table.rows && row < kvm_vm_stat_table.rows + kvm_vm_stat_table.nr;
}

static u64 vm_value(struct kvm *kvm, const struct kvm_stat_row *row)
{
	struct kvm_vm_stat stat;
	struct kvm_vcpu *vcpu;
	unsigned long idx;
	u64 sum = 0;

	if (is_vm_row(row)) {
		kvm_arch_vm_stat(kvm, &stat);
		return row_value(row, &stat);
	}
	kvm_for_each_vcpu(idx, vcpu, kvm) sum += row_value(row, &vcpu->stat);
	return sum;
}

/* --- KVM_GET_STATS_FD ------------------------------------------------------------------------ */

/* The file: header, id, descriptors, data. */
#define ID_OFFSET sizeof(struct kvm_stats_header)
#define DESC_OFFSET (ID_OFFSET + KVM_STAT_NAME)

/* What read(2) has done and what it still has to do. */
struct reading {
	char __user *buf;
	size_t left; /* bytes */
	u64 pos; /* in the file */
};

/* Copy what the reader wants of a piece that stands at @offset. */
static int copy_piece(struct reading *r, u64 offset, const void *piece, size_t size)
{
	size_t skip, n;

	if (!r->left || r->pos < offset || r->pos >= offset + size)
		return 0;
	skip = r->pos - offset;
	n = min(r->left, size - skip);
	if (copy_to_user(r->buf, piece + skip, n))
		return -EFAULT;
	r->buf += n;
	r->left -= n;
	r->pos += n;
	return 0;
}

/* @data: a copy of the counters, @table->size bytes. */
static ssize_t read_stats(const struct kvm_stat_table *table, const char *id, const void *data,
			  char __user *buf, size_t count, loff_t *pos)
{
	size_t desc_size = table->nr * sizeof(*table->rows);
	const struct kvm_stats_header header = {
		.name_size = KVM_STAT_NAME,
		.num_desc = table->nr,
		.id_offset = ID_OFFSET,
		.desc_offset = DESC_OFFSET,
		.data_offset = DESC_OFFSET + desc_size,
	};
	struct reading r = { .buf = buf, .left = count, .pos = *pos };

	if (copy_piece(&r, 0, &header, sizeof(header)) ||
	    copy_piece(&r, ID_OFFSET, id, KVM_STAT_NAME) ||
	    copy_piece(&r, DESC_OFFSET, table->rows, desc_size) ||
	    copy_piece(&r, header.data_offset, data, table->size))
		return -EFAULT;
	*pos = r.pos;
	return count - r.left;
}

static ssize_t vm_stats_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct kvm *kvm = file->private_data;
	char id[KVM_STAT_NAME] = {};
	struct kvm_vm_stat stat;

	snprintf(id, sizeof(id), "kvm-%d", kvm->stats_dir.tgid);
	kvm_arch_vm_stat(kvm, &stat);
	return read_stats(&kvm_vm_stat_table, id, &stat, buf, count, pos);
}

static ssize_t vcpu_stats_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct kvm_vcpu *vcpu = file->private_data;
	const u64 *from = (const u64 *)&vcpu->stat;
	char id[KVM_STAT_NAME] = {};
	ssize_t r;
	u64 *copy;
	u32 i;

	/* Too large for the stack, and each word is to be read as one. */
	copy = kmalloc(sizeof(vcpu->stat), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	for (i = 0; i < sizeof(vcpu->stat) / sizeof(u64); i++)
		copy[i] = READ_ONCE(from[i]);
	snprintf(id, sizeof(id), "kvm-%d/vcpu-%d", vcpu->kvm->stats_dir.tgid, vcpu->vcpu_id);
	r = read_stats(&kvm_vcpu_stat_table, id, copy, buf, count, pos);
	kfree(copy);
	return r;
}

static int vm_stats_release(struct inode *inode, struct file *file)
{
	kvm_put(file->private_data);
	return 0;
}

static int vcpu_stats_release(struct inode *inode, struct file *file)
{
	struct kvm_vcpu *vcpu = file->private_data;

	kvm_put(vcpu->kvm);
	return 0;
}

/* Not const: .owner is the vendor module, like that of all files that keep a VM alive. */
static struct file_operations vm_stats_fops = {
	.read = vm_stats_read,
	.release = vm_stats_release,
	.llseek = noop_llseek,
};

static struct file_operations vcpu_stats_fops = {
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
	.llseek = noop_llseek,
};

/* A file that can be read at any offset, and holds a reference to the VM. */
static long stats_fd(const char *name, const struct file_operations *fops, void *data,
		     struct kvm *kvm)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, data, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	file->f_mode |= FMODE_PREAD;
	kvm_get(kvm);
	fd_install(fd, file);
	return fd;
}

/**
 * kvm_vm_stats_fd() - KVM_GET_STATS_FD on a VM
 * @kvm: the VM
 *
 * Context: may sleep. Return: a file descriptor; -EMFILE, -ENFILE, -ENOMEM.
 */
long kvm_vm_stats_fd(struct kvm *kvm)
{
	return stats_fd("kvm-vm-stats", &vm_stats_fops, kvm, kvm);
}

/**
 * kvm_vcpu_stats_fd() - KVM_GET_STATS_FD on a vCPU, which may be running
 * @vcpu: the vCPU
 *
 * Context: may sleep. Return: a file descriptor; -EMFILE, -ENFILE, -ENOMEM.
 */
long kvm_vcpu_stats_fd(struct kvm_vcpu *vcpu)
{
	char name[32];

	snprintf(name, sizeof(name), "kvm-vcpu-stats:%d", vcpu->vcpu_id);
	return stats_fd(name, &vcpu_stats_fops, vcpu, vcpu->kvm);
}

/* --- debugfs: files of one number ------------------------------------------------------------ */

/* What a file shows; kvm NULL: the sum over all VMs. */
struct kvm_stat_file {
	struct kvm *kvm;
	const struct kvm_stat_row *row;
};

static DEFINE_MUTEX(stats_lock); /* innermost; the list of VMs, and names in debugfs */
static LIST_HEAD(vms); /* of kvm_vm_stats_dir.node */
static struct dentry *root;
static struct kvm_stat_file *root_files;

/* A VM's files go before the VM does, and debugfs waits for who is in here. */
static int number_get(void *data, u64 *val)
{
	const struct kvm_stat_file *f = data;
	struct kvm *kvm;

	if (f->kvm) {
		*val = vm_value(f->kvm, f->row);
		return 0;
	}
	*val = 0;
	mutex_lock(&stats_lock);
	list_for_each_entry(kvm, &vms, stats_dir.node)
		*val += vm_value(kvm, f->row);
	mutex_unlock(&stats_lock);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(number_fops, number_get, NULL, "%llu\n");

/* A file for each row of a table. Return: where the next table's go. */
static struct kvm_stat_file *add_numbers(struct dentry *dir, struct kvm_stat_file *f,
					 struct kvm *kvm, const struct kvm_stat_table *table)
{
	const struct kvm_stat_row *row;

	for (row = table->rows; row < table->rows + table->nr; row++, f++) {
		*f = (struct kvm_stat_file){ kvm, row };
		debugfs_create_file_unsafe(row->name, 0444, dir, f, &number_fops);
	}
	return f;
}

/* Return: what the files point to, for kfree(); NULL: no memory, no files. */
static struct kvm_stat_file *add_tables(struct dentry *dir, struct kvm *kvm)
{
	struct kvm_stat_file *files;

	files = kcalloc(kvm_vm_stat_table.nr + kvm_vcpu_stat_table.nr, sizeof(*files),
			GFP_KERNEL_ACCOUNT);
	if (files)
		add_numbers(dir, add_numbers(dir, files, kvm, &kvm_vm_stat_table), kvm,
			    &kvm_vcpu_stat_table);
	return files;
}

/* --- debugfs: a vCPU ------------------------------------------------------------------------- */

/* All of its statistics in one file: a file each would cost more memory than the vCPU itself. */
static int stats_show(struct seq_file *m, void *unused)
{
	struct kvm_vcpu *vcpu = m->private;
	const struct kvm_stat_table *table = &kvm_vcpu_stat_table;
	const struct kvm_stat_row *row;

	for (row = table->rows; row < table->rows + table->nr; row++)
		seq_printf(m, "%s %llu\n", row->name, row_value(row, &vcpu->stat));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* The thread that ran it last, 0: none yet. */
static int pid_get(void *data, u64 *val)
{
	struct kvm_vcpu *vcpu = data;

	rcu_read_lock();
	*val = pid_nr(rcu_dereference(vcpu->pid));
	rcu_read_unlock();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(pid_fops, pid_get, NULL, "%llu\n");

static int tsc_offset_get(void *data, u64 *val)
{
	struct kvm_vcpu *vcpu = data;

	*val = READ_ONCE(vcpu->tsc.offset);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(tsc_offset_fops, tsc_offset_get, NULL, "%lld\n");

/**
 * kvm_stats_vcpu_add() - a vCPU appears in debugfs
 * @vcpu: the vCPU; its VM's directory goes before it does
 *
 * Context: kvm->lock held, may sleep.
 */
void kvm_stats_vcpu_add(struct kvm_vcpu *vcpu)
{
	struct dentry *dir = vcpu->kvm->stats_dir.dir;
	char name[16];

	if (IS_ERR_OR_NULL(dir))
		return;
	snprintf(name, sizeof(name), "vcpu%d", vcpu->vcpu_id);
	dir = debugfs_create_dir(name, dir);
	debugfs_create_file("stats", 0444, dir, vcpu, &stats_fops);
	debugfs_create_file_unsafe("pid", 0444, dir, vcpu, &pid_fops);
	debugfs_create_file_unsafe("tsc-offset", 0444, dir, vcpu, &tsc_offset_fops);
}

/* --- debugfs: VMs ---------------------------------------------------------------------------- */

/*
 * A VM may outlive its process, and its number be another's by then; or the descriptor was
 * duplicated and closed. stats_lock held.
 */
static struct dentry *vm_dir(pid_t tgid, int fd)
{
	char name[48];
	struct dentry *old;
	unsigned int n;

	snprintf(name, sizeof(name), "%d-%d", tgid, fd);
	for (n = 2; (old = debugfs_lookup(name, root)); n++) {
		dput(old);
		snprintf(name, sizeof(name), "%d-%d-%u", tgid, fd, n);
	}
	return debugfs_create_dir(name, root);
}

/**
 * kvm_stats_vm_add() - a VM is counted from now on, and appears in debugfs
 * @kvm: the VM, before anybody else can find it
 * @fd: the descriptor that it will have
 *
 * Context: may sleep, no lock held.
 */
void kvm_stats_vm_add(struct kvm *kvm, int fd)
{
	struct kvm_vm_stats_dir *d = &kvm->stats_dir;

	d->tgid = task_tgid_nr(current);
	mutex_lock(&stats_lock);
	if (!IS_ERR_OR_NULL(root))
		d->dir = vm_dir(d->tgid, fd);
	list_add_tail(&d->node, &vms);
	mutex_unlock(&stats_lock);
	if (!IS_ERR_OR_NULL(d->dir))
		d->files = add_tables(d->dir, kvm);
}

/**
 * kvm_stats_vm_remove() - undo it; nobody looks at the VM or its vCPUs from here on return
 * @kvm: the VM; kvm_stats_vm_add() may not have been reached
 *
 * Context: may sleep, no lock held: waits for readers.
 */
void kvm_stats_vm_remove(struct kvm *kvm)
{
	struct kvm_vm_stats_dir *d = &kvm->stats_dir;

	if (!d->tgid)
		return;
	mutex_lock(&stats_lock);
	list_del(&d->node);
	mutex_unlock(&stats_lock);
	debugfs_remove(d->dir);
	kfree(d->files);
}

/**
 * kvm_stats_start() - the totals appear
 * @owner: module that files which keep a VM alive belong to
 *
 * Context: module init.
 */
void kvm_stats_start(struct module *owner)
{
	vm_stats_fops.owner = owner;
	vcpu_stats_fops.owner = owner;
	root = debugfs_create_dir("kvm", NULL);
	if (!IS_ERR_OR_NULL(root))
		root_files = add_tables(root, NULL);
}

/**
 * kvm_stats_stop() - undo it; no VM exists
 */
void kvm_stats_stop(void)
{
	debugfs_remove(root);
	root = NULL;
	kfree(root_files);
	root_files = NULL;
}
