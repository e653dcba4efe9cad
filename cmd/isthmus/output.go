package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// printJSON writes v for programs.
func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printTable writes rows under a header: aligned on a terminal, otherwise with
// one tab between the columns.
func (p *program) printTable(header []string, rows [][]string) error {
	lines := make([]string, 0, len(rows)+1)
	for _, row := range append([][]string{header}, rows...) {
		lines = append(lines, strings.Join(row, "\t")+"\n")
	}
	text := strings.Join(lines, "")
	if !p.terminal {
		_, err := fmt.Fprint(p.stdout, text)
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprint(w, text); err != nil {
		return err
	}
	return w.Flush()
}

// printFields writes name and value pairs, one to a line.
func (p *program) printFields(fields [][2]string) error {
	width := 0
	for _, f := range fields {
		width = max(width, len(f[0]))
	}
	for _, f := range fields {
		if _, err := fmt.Fprintf(p.stdout, "%-*s  %s\n", width, f[0], f[1]); err != nil {
			return err
		}
	}
	return nil
}

// hexHash is a hash that JSON shows in hexadecimal.
type hexHash proofs.Hash

func (h hexHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes lower-case hexadecimal.
func (h hexHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *hexHash) UnmarshalText(b []byte) error {
	v, err := proofs.ParseHash(string(b))
	*h = hexHash(v)
	return err
}

// millis shows a count of milliseconds as a duration.
func millis(ms uint64) string {
	if ms > 1<<53 {
		return fmt.Sprintf("%dms", ms)
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

// clock shows a time of day with milliseconds, in UTC.
func clock(ms uint64) string { return timeOf(ms).Format("15:04:05.000") }

func timeOf(ms uint64) time.Time { return time.UnixMilli(int64(min(ms, 1<<52))).UTC() }

// ago says how long before now a time was, or how long it still is.
func (p *program) ago(ms uint64) string {
	if ms == 0 {
		return "-"
	}
	d := p.now().Sub(timeOf(ms)).Round(time.Second)
	if d < 0 {
		return "in " + (-d).String()
	}
	return d.String() + " ago"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
