/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Maps and socket storage for bpf_helpers.h: each map is a list of its entries. */
#ifndef H2TRACE_HOST_MAPS_H
#define H2TRACE_HOST_MAPS_H

struct host_entry {
	struct host_entry *next;
	const void *map;
	void *key, *value;
};

static struct host_entry *host_entries;

static inline struct host_entry **host_find(const void *map, const void *key, __u64 len)
{
	struct host_entry **e = &host_entries;

	while (*e && ((*e)->map != map || memcmp((*e)->key, key, len)))
		e = &(*e)->next;
	return e;
}

static inline void *host_add(const void *map, const void *key, __u64 key_len, const void *value,
			     __u64 value_len)
{
	struct host_entry *e = calloc(1, sizeof(*e));

	e->map = map;
	e->key = malloc(key_len);
	memcpy(e->key, key, key_len);
	e->value = calloc(1, value_len);
	if (value)
		memcpy(e->value, value, value_len);
	e->next = host_entries;
	host_entries = e;
	return e->value;
}

static inline long host_remove(struct host_entry **at)
{
	struct host_entry *e = *at;

	if (!e)
		return -ENOENT;
	*at = e->next;
	free(e->key);
	free(e->value);
	free(e);
	return 0;
}

/* Clears all maps. */
static inline void host_reset(void)
{
	while (host_entries)
		host_remove(&host_entries);
}

/* The values of an array exist from the beginning. */
static inline void *host_lookup(const void *map, const void *key, __u64 key_len, __u64 value_len,
				__u32 type)
{
	struct host_entry *e;

	host_step();
	e = *host_find(map, key, key_len);
	if (e)
		return e->value;
	if (type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return host_add(map, key, key_len, NULL, value_len);
	return NULL;
}

static inline long host_update(const void *map, const void *key, __u64 key_len, const void *value,
			       __u64 value_len, __u64 flags)
{
	struct host_entry *e;

	host_step();
	e = *host_find(map, key, key_len);
	if (e && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!e && map == host.full)
		return -E2BIG;
	if (e)
		memcpy(e->value, value, value_len);
	else
		host_add(map, key, key_len, value, value_len);
	return 0;
}

#define bpf_map_lookup_elem(m, k)                                                          \
	((__typeof__((m)->value))host_lookup(m, k, sizeof(*(m)->key), sizeof(*(m)->value), \
					     sizeof(*(m)->type) / sizeof(int)))
#define bpf_map_update_elem(m, k, v, flags) \
	host_update(m, k, sizeof(*(m)->key), v, sizeof(*(m)->value), flags)
#define bpf_map_delete_elem(m, k) (host_step(), host_remove(host_find(m, k, sizeof(*(m)->key))))

static inline void *host_storage(const void *map, const void *sk, const void *value,
				 __u64 value_len, __u64 flags)
{
	struct host_entry *e = *host_find(map, &sk, sizeof(sk));

	if (e)
		return e->value;
	if (!(flags & BPF_SK_STORAGE_GET_F_CREATE))
		return NULL;
	return host_add(map, &sk, sizeof(sk), value, value_len);
}

#define bpf_sk_storage_get(m, sk, v, flags) \
	((__typeof__((m)->value))host_storage(m, sk, (const void *)(v), sizeof(*(m)->value), flags))

#endif
