package admission

import (
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
)

// reach moves the message on; a stage once passed is not reached again.
func (e *entry) reach(now uint64, s Stage) bool {
	if e.Stage >= s {
		return false
	}
	e.Stage, e.Times[s] = s, now
	return true
}

// Waiting returns how many messages and bytes wait for a batch.
func (p *Pool) Waiting() (messages, bytes int) { return p.count, p.bytes }

// Take hands out what waits, in order of admission, as many as fit into maxBytes
// and at least one; with their ids, for [Pool.Batched]. They are not handed out
// again.
func (p *Pool) Take(maxBytes int) (ids []proofs.Hash, wires [][]byte) {
	sum, n := 0, 0
	for ; n < len(p.waiting); n++ {
		e := p.waiting[n]
		if e.wire == nil {
			continue
		}
		if len(ids) > 0 && sum+len(e.wire) > maxBytes {
			break
		}
		sum += len(e.wire)
		ids, wires = append(ids, e.ID), append(wires, e.wire)
		p.stopWaiting(e)
	}
	clear(p.waiting[:n])
	p.waiting = p.waiting[n:]
	return ids, wires
}

// stopWaiting leaves e's place in the queue empty.
func (p *Pool) stopWaiting(e *entry) {
	p.count--
	p.bytes -= len(e.wire)
	e.wire = nil
}

// Batched says that the messages are in a durable batch of this node's lane.
func (p *Pool) Batched(now uint64, ids []proofs.Hash, batch proofs.Hash) {
	for _, id := range ids {
		if e := p.byID[id]; e != nil && e.wire == nil && e.reach(now, Batched) {
			p.join(e, batch)
		}
	}
}

func (p *Pool) join(e *entry, digest proofs.Hash) {
	b := p.batches[digest]
	if b == nil {
		b = new(batch)
		p.batches[digest] = b
	}
	e.Batch = digest
	b.entries = append(b.entries, e)
	b.live++
}

func (p *Pool) inBatch(digest proofs.Hash) []*entry {
	if b := p.batches[digest]; b != nil {
		return b.entries
	}
	return nil
}

// Acknowledged says that more than a third of the weight holds the batch.
func (p *Pool) Acknowledged(now uint64, batch proofs.Hash) {
	for _, e := range p.inBatch(batch) {
		e.reach(now, Acknowledged)
	}
}

// Ordered says that the final block at height orders the batch.
func (p *Pool) Ordered(now, height uint64, batch proofs.Hash) {
	for _, e := range p.inBatch(batch) {
		if e.reach(now, Ordered) {
			e.Status.Ordered = height
		}
	}
}

// Executed says that a message with this body was executed at height, whichever
// lane brought it. Heights do not fall.
func (p *Pool) Executed(now uint64, body proofs.Hash, height uint64, code proofs.Code) {
	e := p.byBody[body]
	if e == nil || !p.end(now, e, Executed) {
		return
	}
	e.Status.Executed, e.Code = height, code
	p.open = append(p.open, e)
}

// Certified says that the certified header at height header covers the executions
// up to height executed.
func (p *Pool) Certified(now, executed, header uint64) {
	n := 0
	for ; n < len(p.open) && p.open[n].Status.Executed <= executed; n++ {
		if p.open[n].reach(now, Certified) {
			p.open[n].Status.Certified = header
		}
	}
	clear(p.open[:n])
	p.open = p.open[n:]
}

// end moves a message that is under way to one of the stages that end it.
func (p *Pool) end(now uint64, e *entry, s Stage) bool {
	if e.ended() {
		return false
	}
	if e.wire != nil {
		p.stopWaiting(e)
		if len(p.waiting) > 2*p.count+64 {
			p.waiting = slices.DeleteFunc(p.waiting, func(w *entry) bool { return w.wire == nil })
		}
	}
	if b := p.batches[e.Batch]; b != nil {
		if b.live--; b.live == 0 {
			delete(p.batches, e.Batch)
		}
	}
	e.reach(now, s)
	p.pending--
	if p.senders[e.Sender]--; p.senders[e.Sender] == 0 {
		delete(p.senders, e.Sender)
	}
	p.done = append(p.done, e)
	return true
}

// Expire ends what can no longer be executed: what still waits by the local clock
// now, what is on its way once executedTime, the time of the newest executed block,
// has passed its expiry. It returns their ids, and forgets what expired long ago.
func (p *Pool) Expire(now, executedTime uint64) (expired []proofs.Hash) {
	expire := func(seconds []uint64, ends func(*entry) bool) {
		for _, s := range seconds {
			for _, e := range p.seconds[s].entries {
				if ends(e) && p.end(now, e, Expired) {
					expired = append(expired, e.ID)
				}
			}
		}
	}
	// An expiry of second s is past when the time has reached s.
	expire(p.past(&p.swept, now/1000), func(e *entry) bool { return e.wire != nil })
	expire(p.past(&p.closed, executedTime/1000), func(*entry) bool { return true })
	if now >= p.cfg.Limits.Keep {
		p.forget(now, (now-p.cfg.Limits.Keep)/1000)
	}
	return expired
}

// past returns, in order, the seconds with messages from *cursor to last, and moves
// the cursor behind last.
func (p *Pool) past(cursor *uint64, last uint64) (seconds []uint64) {
	if last < *cursor {
		return nil
	}
	for s := range p.seconds {
		if *cursor <= s && s <= last {
			seconds = append(seconds, s)
		}
	}
	*cursor = last + 1
	slices.Sort(seconds)
	return seconds
}

// forget drops the statuses of messages that expired up to second, ended or not.
func (p *Pool) forget(now, second uint64) {
	for _, s := range p.past(&p.dropped, second) {
		b := p.seconds[s]
		delete(p.seconds, s)
		for _, e := range b.entries {
			p.end(now, e, Expired)
			p.drop(e)
		}
	}
}

// makeRoom drops the oldest ended statuses while there are too many.
func (p *Pool) makeRoom() {
	for len(p.done) > 0 && (p.done[0].gone || len(p.byID) >= p.cfg.Limits.Statuses) {
		p.drop(p.done[0])
		p.done = p.done[1:]
	}
}

func (p *Pool) drop(e *entry) {
	if e.gone {
		return
	}
	e.gone = true
	delete(p.byID, e.ID)
	delete(p.byBody, e.Body)
	b := p.seconds[e.Expiry]
	if b == nil {
		return
	}
	if b.gone++; b.gone == len(b.entries) {
		delete(p.seconds, e.Expiry)
	} else if b.gone > 16 && 2*b.gone > len(b.entries) {
		b.entries, b.gone = slices.DeleteFunc(b.entries, func(o *entry) bool { return o.gone }), 0
	}
}

// Status returns what is known of a message.
func (p *Pool) Status(id proofs.Hash) (Status, bool) {
	if e := p.byID[id]; e != nil {
		return e.Status, true
	}
	return Status{}, false
}

// StatusOfBody returns what is known of the message with this body.
func (p *Pool) StatusOfBody(body proofs.Hash) (Status, bool) {
	if e := p.byBody[body]; e != nil {
		return e.Status, true
	}
	return Status{}, false
}
