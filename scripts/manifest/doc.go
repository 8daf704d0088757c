// Package manifest holds the manifest for Kubernetes to the types of Kubernetes. It is a module of
// its own: nothing else needs these.
package manifest
