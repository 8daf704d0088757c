package main

// report holds all measurements.
type report struct {
	Host       string             `json:"host"`
	Load       float64            `json:"load_average"` // of the minute before
	Cores      [2]int             `json:"cores"`
	Rounds     int                `json:"rounds"`
	Throughput []throughputReport `json:"throughput,omitempty"`
	FixedRates []rateReport       `json:"fixed_rates,omitempty"`
	Single     []singleReport     `json:"single,omitempty"`
	Startup    *startupReport     `json:"startup,omitempty"`
	Nothing    []nothingReport    `json:"nothing,omitempty"`
	Faults     []string           `json:"faults"`
}

type throughputReport struct {
	Title    string          `json:"title"`
	Workers  int             `json:"workers"`
	Bulk     bool            `json:"bulk"`
	Variants []variantReport `json:"variants"`
}

type variantReport struct {
	Name              string      `json:"name"`
	RequestsPerSecond float64     `json:"requests_per_second"`
	OfUnobserved      *ratios     `json:"of_unobserved"`
	OfEmpty           *ratios     `json:"of_empty"`
	OfFrames          *ratios     `json:"of_frames"`
	Cost              *costReport `json:"cost,omitempty"`
}

// ratios holds the throughput of one variant relative to another, round by round.
type ratios struct {
	Median float64   `json:"median"`
	Rounds []float64 `json:"rounds"`
}

// costReport is what h2trace itself used. Counts are sums over all runs.
type costReport struct {
	Runs              int     `json:"runs"`
	StartupCPUMillis  float64 `json:"startup_cpu_ms"`
	CPUMicrosPerFrame float64 `json:"cpu_us_per_frame"`
	CPUMicrosError    float64 `json:"cpu_us_per_frame_error"`
	CPUSecondsPerGB   float64 `json:"cpu_s_per_gb"`
	Frames            int64   `json:"frames"`
	RecordsSeen       int64   `json:"records_seen"`
	RecordsLost       int64   `json:"records_lost"`
	BytesSeen         int64   `json:"bytes_seen"`
	BytesCaptured     int64   `json:"bytes_captured"`
	MaxRSSBytes       int64   `json:"max_rss_bytes"`
}

type rateReport struct {
	Plan    string      `json:"plan"`
	Pinned  bool        `json:"pinned"`
	Wanted  int         `json:"wanted"`
	Reached float64     `json:"reached"`
	Late    int         `json:"late"`
	Seconds float64     `json:"seconds"`
	Cost    *costReport `json:"cost"`
}

type startupReport struct {
	BinaryBytes int64 `json:"binary_bytes"`
	Runs        int   `json:"runs"`
	// AttachedMillis is nil if no probe was attached.
	AttachedMillis *float64 `json:"attached_ms"`
	AloneMillis    float64  `json:"alone_ms"`
	TracedMillis   float64  `json:"traced_ms"`
	// EndedMillis is how long h2trace ran on after the command.
	EndedMillis *float64 `json:"ended_ms"`
}

// singleReport is a run that is compared with no other.
type singleReport struct {
	Title             string  `json:"title"`
	Plan              string  `json:"plan"`
	Conns             int     `json:"conns"`
	Seconds           float64 `json:"seconds"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	BytesPerSecond    float64 `json:"bytes_per_second"`
	Summary           bool    `json:"summary"` // h2trace wrote it; else what follows is unknown
	RecordsSeen       int64   `json:"records_seen"`
	RecordsLost       int64   `json:"records_lost"`
	MaxRSSBytes       int64   `json:"max_rss_bytes"`
}

// nothingReport is the start-up and the end of h2trace, around a command that does nothing.
type nothingReport struct {
	Plan       string  `json:"plan"`
	Runs       int     `json:"runs"`
	WallMillis float64 `json:"wall_ms"`
	CPUMillis  float64 `json:"cpu_ms"`
}
