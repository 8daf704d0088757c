package gate

import "testing"

func TestKnownFilesBounds(t *testing.T) {
	f := newKnownFiles()
	file := func(i int) fileID { return fileID{Ino: uint64(i)} }
	var dropped []fileID
	drop := func(id fileID) bool {
		dropped = append(dropped, id)
		return true
	}
	for i := range maxAttached {
		f.addAttached(file(i), drop)
	}
	if len(dropped) != 0 {
		t.Fatalf("dropped %v below the bound", dropped)
	}
	if !f.has(file(0)) { // has makes it the most recently used
		t.Fatal("a file is not known")
	}
	f.addAttached(file(maxAttached), drop)
	if len(dropped) != 1 || dropped[0] != file(1) {
		t.Errorf("dropped %v, want the file that was not used for longest", dropped)
	}
	if f.has(file(1)) {
		t.Error("a dropped file is known")
	}
	// If drop fails, h2trace keeps the probes, so the file stays known.
	f.addAttached(file(maxAttached+1), func(fileID) bool { return false })
	if !f.has(file(2)) || !f.has(file(maxAttached+1)) {
		t.Error("a file was forgotten without telling")
	}
	for i := range 2 * maxPlain {
		f.addPlain(file(-i))
		if len(f.plain) > maxPlain {
			t.Fatalf("%d files are remembered, the bound is %d", len(f.plain), maxPlain)
		}
	}
}
