// Package proxies compares module proxies. It downloads the same modules through each of
// them, by turns and with empty caches, has h2trace record every download, and sums up the
// recordings.
//
// Recordings are files, which are read when all downloads have ended: nothing of the
// comparison runs between two downloads. Another process of h2trace makes each recording, so
// that a download that hangs, or that cannot be observed, does no harm to the next.
package proxies
