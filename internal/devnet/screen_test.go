package devnet

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
)

func exampleStatus() *Status {
	return &Status{Networks: []NetworkStatus{
		{Name: "a", Answering: 4, Total: 4, Height: 10, Epoch: 1, Links: []LinkStatus{{Peer: "b", State: api.PeerActive, Sent: 3, Settled: 2}}},
		{Name: "b", Answering: 3, Total: 4, Height: 9, Epoch: 1, Links: []LinkStatus{
			{Peer: "a", State: api.PeerPaused, Reason: "by an act", Crossing: 41 * time.Millisecond, Millis: 41}}},
	}}
}

func TestPlainLinesOnlyForChanges(t *testing.T) {
	var out strings.Builder
	s := newScreen(&RunOptions{Out: &out})
	st := exampleStatus()
	s.status(st)
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Fatalf("%d lines at first, want 4:\n%s", n, out.String())
	}
	for _, want := range []string{"b: 3 of 4 nodes", "paused (by an act)", "the last crossed in 41 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	out.Reset()
	st.Networks[0].Height++ // no news by itself
	s.status(st)
	if out.Len() != 0 {
		t.Errorf("nothing changed, got %q", out.String())
	}
	st.Networks[0].Epoch++
	st.Networks[1].Links[0].Received++
	s.status(st)
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines for two changes:\n%s", n, out.String())
	}
}

func TestTableIsDrawnOver(t *testing.T) {
	var out strings.Builder
	s := newScreen(&RunOptions{Out: &out, Terminal: true})
	s.status(exampleStatus())
	text := out.String()
	if !strings.Contains(text, "a → b") || !strings.Contains(text, "41 ms") || strings.Contains(text, "\x1b") {
		t.Errorf("got\n%q", text)
	}
	lines := strings.Count(text, "\n")
	out.Reset()
	s.plain("something happened")
	want := "\x1b[" + string(rune('0'+lines)) + "A\x1b[Jsomething happened\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	s.status(exampleStatus())
	s.end()
	s.plain("the end")
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("the last table was removed: %q", out.String())
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	var out, text strings.Builder
	s := newScreen(&RunOptions{Out: &out, Err: &text, JSON: true, Terminal: true})
	s.event(Event{Kind: EventDied, Text: "two\nlines"})
	s.status(exampleStatus())
	s.status(exampleStatus()) // no change
	s.plain("for people")
	s.report(&Report{Networks: 2, KeyBlocks: map[string]uint64{"a": 1}, Conserved: true, Problems: []string{"odd"}})
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines, want 3:\n%s", len(lines), out.String())
	}
	for _, line := range lines {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if !strings.Contains(text.String(), "for people") || !strings.Contains(text.String(), "does not hold: odd") {
		t.Errorf("got %q", text.String())
	}
}

func TestReportLine(t *testing.T) {
	var out strings.Builder
	s := newScreen(&RunOptions{Out: &out})
	s.report(&Report{Networks: 2, Validators: 8, KeyBlocks: map[string]uint64{"a": 3, "b": 4}, Sent: 200, Delivered: 200, Conserved: true, Crossing: Percentiles{90, 210}})
	want := `{"networks":2,"validators":8,"key_blocks":{"a":3,"b":4},"sent":200,"delivered":200,"duplicates":0,"conserved":true,"crossing_ms":{"p50":90,"p99":210}}` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}
