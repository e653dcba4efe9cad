package devnet

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
)

// screen shows what happens: to a person on text, and to a program on out if that
// is JSON.
type screen struct {
	out, text io.Writer
	json      bool
	terminal  bool

	mu    sync.Mutex
	lines int               // of the table on the terminal, to be drawn over
	last  map[string]string // what was told of each network and link
}

func newScreen(o *RunOptions) *screen {
	s := &screen{out: o.Out, text: o.Out, json: o.JSON, terminal: o.Terminal && !o.JSON, last: make(map[string]string)}
	if o.JSON {
		s.text = o.Err
	}
	return s
}

// object writes one line of JSON.
func (s *screen) object(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b = fmt.Appendf(nil, "%q", err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s\n", b)
}

// plain writes a line for a person.
func (s *screen) plain(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	fmt.Fprintf(s.text, format+"\n", args...)
}

func (s *screen) event(e Event) {
	if s.json {
		s.object(e)
	}
	s.plain("%s  %s", e.Time.Format("15:04:05.000"), e.Text)
}

func (s *screen) ready(d *Devnet) {
	if s.json {
		s.object(struct {
			Event string `json:"event"`
			*Manifest
		}{"ready", d.Manifest()})
	}
	s.plain("%s describes all nodes", d.dir+"/"+ManifestFile)
}

func (s *screen) trace(sent *Sent, steps []TracedStep) {
	if s.json {
		s.object(struct {
			Event string       `json:"event"`
			ID    string       `json:"id"`
			From  string       `json:"from"`
			To    string       `json:"to"`
			Steps []TracedStep `json:"steps"`
		}{"trace", fmt.Sprintf("%x", sent.ID), sent.From, sent.To, steps})
	}
	rows := [][]string{{"AFTER", "NETWORK", "STEP", "BLOCK", "PROVED BY", ""}}
	for _, t := range steps {
		proof, block := "this node's word", "-"
		if t.Proof.Kind != api.ProofNone {
			proof = t.Proof.String()
		}
		if t.Height > 0 {
			block = fmt.Sprint(t.Height)
		}
		rows = append(rows, []string{fmt.Sprintf("%d ms", t.After), t.Network, t.Name, block, proof, t.Detail})
	}
	s.plain("%x: executed at %s %d ms after it was submitted at %s\n%s", sent.ID, sent.To, sent.Crossing().Milliseconds(), sent.From, align(rows))
}

// report writes the one line that sums everything up, after what does not hold.
func (s *screen) report(r *Report) {
	for _, p := range r.Problems {
		s.plain("does not hold: %s", p)
	}
	s.object(r)
}

func (s *screen) hints(d *Devnet) {
	hints := d.hints()
	if s.json {
		s.object(struct {
			Event    string   `json:"event"`
			Commands []string `json:"commands"`
		}{"hints", hints})
	}
	s.plain("\nTry:\n  %s\n\nCtrl-C ends all of it.\n", strings.Join(hints, "\n  "))
}

// status shows a status: as a table that is drawn over, or as lines for what has
// changed.
func (s *screen) status(st *Status) {
	if s.terminal {
		text := table(st)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.erase()
		fmt.Fprint(s.text, text)
		s.lines = strings.Count(text, "\n")
		return
	}
	changed := false
	for i := range st.Networks {
		n := &st.Networks[i]
		changed = s.changed(n.Name, fmt.Sprint(n.Answering, n.Epoch, n.KeyBlocks),
			fmt.Sprintf("%s: %d of %d nodes, height %d, executed %d, certified %d, epoch %d, %d key blocks",
				n.Name, n.Answering, n.Total, n.Height, n.Executed, n.Certified, n.Epoch, n.KeyBlocks)) || changed
		for k := range n.Links {
			l := &n.Links[k]
			text := fmt.Sprintf("%s with %s: %s, sent %d (inducted there %d, executed %d), received %d (executed %d)%s",
				n.Name, l.Peer, l.State+reason(l), l.Sent, l.Acked, l.Settled, l.Received, l.Executed, took(l))
			changed = s.changed(n.Name+" "+l.Peer, text, text) || changed
		}
	}
	if s.json && changed {
		s.object(struct {
			Event string    `json:"event"`
			Time  time.Time `json:"time"`
			*Status
		}{"status", time.Now(), st})
	}
}

// changed tells text if what it is about is not as it was told last.
func (s *screen) changed(what, state, text string) bool {
	if s.last[what] == state {
		return false
	}
	s.last[what] = state
	s.plain("%s  %s", time.Now().Format("15:04:05.000"), text)
	return true
}

func reason(l *LinkStatus) string {
	if l.Reason == "" {
		return ""
	}
	return " (" + l.Reason + ")"
}

func took(l *LinkStatus) string {
	if l.Crossing == 0 {
		return ""
	}
	return fmt.Sprintf(", the last crossed in %d ms", l.Millis)
}

// erase removes the table; what is written next takes its place. The caller holds
// the lock.
func (s *screen) erase() {
	if s.lines > 0 {
		fmt.Fprintf(s.text, "\x1b[%dA\x1b[J", s.lines)
		s.lines = 0
	}
}

// end leaves the last table where it is.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = 0
}

func table(st *Status) string {
	networks := [][]string{{"NETWORK", "NODES", "EPOCH", "KEY BLOCKS", "HEIGHT", "EXECUTED", "CERTIFIED"}}
	links := [][]string{{"LINK", "STATE", "SENT", "INDUCTED", "SETTLED", "IN FLIGHT", "LAST CROSSING"}}
	for i := range st.Networks {
		n := &st.Networks[i]
		networks = append(networks, []string{n.Name, fmt.Sprintf("%d/%d", n.Answering, n.Total),
			fmt.Sprint(n.Epoch), fmt.Sprint(n.KeyBlocks), fmt.Sprint(n.Height), fmt.Sprint(n.Executed), fmt.Sprint(n.Certified)})
		for k := range n.Links {
			l := &n.Links[k]
			links = append(links, []string{n.Name + " → " + l.Peer, l.State + reason(l), fmt.Sprint(l.Sent),
				fmt.Sprint(l.Acked), fmt.Sprint(l.Settled), fmt.Sprint(l.Sent - min(l.Sent, l.Settled)), arrival(st, n.Name, l.Peer)})
		}
	}
	text := align(networks)
	if len(links) > 1 {
		text += "\n" + align(links)
	}
	return text
}

// arrival is what the destination says of the last message on a link.
func arrival(st *Status, from, to string) string {
	for i := range st.Networks {
		if st.Networks[i].Name != to {
			continue
		}
		for k := range st.Networks[i].Links {
			if l := &st.Networks[i].Links[k]; l.Peer == from && l.Crossing > 0 {
				return fmt.Sprintf("%d ms", l.Millis)
			}
		}
	}
	return "-"
}

func align(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // a strings.Builder takes all
	return b.String()
}
