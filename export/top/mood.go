package top

// Mood says how bad the value of a cell is.
type Mood int

// The moods.
const (
	Fine Mood = iota
	Odd       // such as a window that is used up
	Bad       // such as failures and losses
)

// Mood returns that of a cell of a row.
func (c *Column) Mood(r *Row) Mood {
	switch c.Name {
	case "FAIL":
		return moodOf(r.Failed > 0, Bad)
	case "LOST":
		return moodOf(r.Lost > 0, Bad)
	case "STALL":
		return moodOf(r.Stalled > 0, Odd)
	case "S-WIN":
		return moodOf(r.Window.Send.UsedUp(), Odd)
	case "R-WIN":
		return moodOf(r.Window.Receive.UsedUp(), Odd)
	case "STATE", "COMMAND", "PEER":
		return moodOf(r.Bad, Bad)
	}
	return Fine
}

func moodOf(is bool, m Mood) Mood {
	if is {
		return m
	}
	return Fine
}
