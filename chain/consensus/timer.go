package consensus

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

const (
	paceSamples  = 8 // views whose times are remembered
	patience     = 3 // nullified views in a row before the timeout doubles
	maxBackoff   = 6 // doublings of the timeout
	silentViews  = 2 // led views in a row that were nullified before a leader counts as absent
	maxResend    = 3 // doublings of the interval between resends
	resendOlder  = 4 // finalize votes of older views that are sent again
	maxTimeout   = 60_000
	silentPeriod = 4 // timeouts without a message from an absent leader
)

// pace measures how fast views go.
type pace struct {
	samples   []uint64 // the newest times from work to notarization, ms
	nullified uint     // views in a row that ended without a block
	backoff   uint     // doublings of the timeout
}

func (p *pace) onNullified() {
	p.nullified++
	if p.nullified >= patience {
		p.backoff = min(p.backoff+1, maxBackoff)
	}
}

// onNotarized notes that a view ended with a block, after elapsed ms (at most a
// timeout) if it was measured.
func (p *pace) onNotarized(elapsed uint64, measured bool) {
	p.nullified = 0
	p.backoff -= min(p.backoff, 1)
	if !measured {
		return
	}
	p.samples = append(p.samples, elapsed)
	if len(p.samples) > paceSamples {
		p.samples = p.samples[1:]
	}
}

// viewTime is the median of the last samples, those missing counted as 0: neither a
// minority of slow leaders nor a few outages raise it.
func (p *pace) viewTime() uint64 {
	s := slices.Clone(p.samples)
	slices.Sort(s)
	if i := len(s) - paceSamples/2; i >= 0 && len(s) > 0 {
		return s[min(i, len(s)-1)]
	}
	return 0
}

// timeout returns the time that the present view has, ms: four times the recent
// view time and at least the network's floor, doubled while views fail in a row.
func (m *Machine) timeout() uint64 {
	return min(max(m.par.ViewTimeout, 4*m.pace.viewTime())<<m.pace.backoff, max(maxTimeout, m.par.ViewTimeout))
}

// listen notes that a validator was heard and what it has executed. It reports
// whether the latter is news.
func (m *Machine) listen(from proofs.NodeKey, member bool, executed uint64) (news bool) {
	if !member {
		return false
	}
	m.heard[from] = m.now
	if executed > m.hints[from] {
		m.hints[from] = executed
		return true
	}
	return false
}

// hint tells the leader what we have executed now, if that matters to the next
// header: the last vote again, whose signature the leader knows.
func (m *Machine) hint() {
	if m.me < 0 || m.lastVote == nil || !m.rootsDiffer(m.newest()) {
		return
	}
	v := *m.lastVote
	v.Executed = m.newestExecuted()
	m.send(m.leaderKey(m.current), &v)
}

// rootsDiffer reports whether the newest execution changed what base certifies.
// The outbound root is left out: it binds the time and changes without work.
func (m *Machine) rootsDiffer(base *node) bool {
	e, h := &m.executed[len(m.executed)-1], &base.block.Header
	return e.Height > h.Executed && (e.StateRoot != h.StateRoot || e.ReceiptRoot != h.ReceiptRoot || e.ReceiptSize != h.ReceiptSize)
}

// finalityDue is when the newest notarized block, if it is not final, must be made so
// by another block on it, or by the same key block again. Right after base's
// view its finalization is on its way; later it will not come by itself. Nodes with
// different timeouts must agree on this, so it depends on the network's floor alone.
func (m *Machine) finalityDue() uint64 {
	if m.top == m.high {
		return m.entered + m.par.ViewTimeout
	}
	return m.entered
}

// overdueFinality reports whether base is not final and finality is due.
func (m *Machine) overdueFinality(base *node) bool {
	return base != m.final && m.now >= m.finalityDue()
}

// working reports whether the present view has work that timers must see through.
func (m *Machine) working(base *node) bool {
	if v := m.views[m.current]; v != nil && (v.proposal != nil || m.set.IsOneHonest(v.heardWeight())) {
		return true
	}
	if m.overdueFinality(base) {
		return true
	}
	h := &base.block.Header
	if m.isKey(base) || h.Height+1 > m.newestExecuted()+m.par.MaxLag {
		return false
	}
	if m.rootsDiffer(base) || m.now >= h.Time+m.par.Heartbeat+m.par.MaxClockDrift || m.now >= m.epochEnd()+m.par.MaxClockDrift {
		return true
	}
	cut, _ := m.selectCut(base, m.pace.nullified > 0)
	return !cut.Same(&base.block.Cut)
}

// heardWeight is the most weight that voted for one kind in v.
func (v *view) heardWeight() uint64 {
	return max(v.tallies[notarize].weight, v.tallies[nullify].weight, v.tallies[finalize].weight)
}

func (m *Machine) epochEnd() uint64 { return m.anchor.Header.Time + m.par.EpochDuration }

// tryTimeout nullifies the present view if its proposal is invalid or its time is
// over.
func (m *Machine) tryTimeout() bool {
	base := m.newest()
	if !m.working(base) {
		m.workSince = 0
	} else if m.workSince == 0 {
		m.workSince = m.now
	}
	if m.me < 0 || m.workSince == 0 {
		return false
	}
	v := m.view(m.current)
	if !m.mayClose(v, nullify) || !v.rejected && m.now < m.deadline() {
		return false
	}
	m.cast(v, nullify, 0, proofs.Hash{})
	return true
}

// deadline is when the present view's time is over, while there is work.
func (m *Machine) deadline() uint64 {
	start := max(m.entered, m.workSince)
	if m.leaderAbsent() {
		return start
	}
	return start + m.timeout()
}

// leaderAbsent reports whether the leader's last views were nullified and nothing
// was heard of it since.
func (m *Machine) leaderAbsent() bool {
	l := m.leader(m.current)
	if l == m.me || m.absent[l] < silentViews {
		return false
	}
	if v := m.views[m.current]; v != nil && v.proposal != nil {
		return false
	}
	return m.now >= m.heard[m.set.At(l).Node]+silentPeriod*m.timeout()
}

// resend repeats, while a view with work makes no progress, what others may have
// missed: so lost messages and restarts cost time and never progress.
func (m *Machine) resend() {
	if m.me < 0 || m.workSince == 0 && m.newest() == m.final {
		m.resendAt, m.resends = 0, 0
		return
	}
	if m.resendAt == 0 {
		m.resendAt = max(m.entered, m.workSince, m.now) + m.timeout()
	}
	if m.now < m.resendAt {
		return
	}
	m.resendAt = m.now + m.timeout()<<min(m.resends, maxResend)
	m.resends++
	m.repeat()
	if m.resends >= pollResends {
		m.poll() // the others may be where nobody answers us: in an epoch that we have no part in
	}
}

// repeat sends the certificate that began the view, the newest finalization, our
// proposal and votes of the view, and finalize votes of the last views.
func (m *Machine) repeat() {
	for _, q := range m.newestCerts() {
		m.sendAll(q)
	}
	from := max(m.finalView+1, m.current-min(m.current, resendOlder))
	for w := from; w <= m.current; w++ {
		v := m.views[w]
		if v == nil {
			continue
		}
		if w == m.current && v.proposal != nil && m.leader(w) == m.me {
			m.sendAll(v.proposal)
		}
		for k := range kinds {
			if v.own[k] != nil && (w == m.current || k == finalize) {
				again := *v.own[k]
				again.Executed = m.newestExecuted()
				m.sendAll(&again)
			}
		}
	}
}

// newestCerts returns what brings a laggard to the present view and height.
func (m *Machine) newestCerts() (certs []*types.Quorum) {
	if m.finalCert != nil {
		certs = append(certs, m.finalCert)
	}
	if q := m.entry(); q != nil && q != m.finalCert {
		certs = append(certs, q)
	}
	if q := m.certified(m.high); q != nil && q != m.finalCert && q != m.entry() {
		certs = append(certs, q)
	}
	return certs
}

// wake returns the next time at which something may be due, ms.
func (m *Machine) wake() uint64 {
	w := earliest{now: m.now}
	base := m.newest()
	h := &base.block.Header
	if m.me >= 0 {
		if m.workSince != 0 && !m.view(m.current).closed() {
			w.at(m.deadline())
		}
		w.at(m.resendAt)
		if base != m.final {
			w.at(m.finalityDue())
		}
		if !m.isKey(base) {
			for _, due := range []uint64{h.Time + m.par.Heartbeat, m.epochEnd()} {
				w.at(due)
				w.at(due + m.par.MaxClockDrift)
			}
		}
	}
	m.fetchWake(&w)
	return w.time
}

// earliest is the earliest of some times after now.
type earliest struct{ now, time uint64 }

func (e *earliest) at(t uint64) {
	if t > e.now && (e.time == 0 || t < e.time) {
		e.time = t
	}
}
