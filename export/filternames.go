package export

// EventNames returns what ParseEvents takes in its list, but for lists of types of frames.
func EventNames() []string { return append(kindNames[:], "all") }

// FrameTypeNames returns the types of frames that have names, as ParseEvents takes them
// after "frame=".
func FrameTypeNames() []string { return namedTypes() }
