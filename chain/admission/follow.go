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
func (p *Pool) Waiting() (messages, bytes int) { return len(p.waiting), p.bytes }

// Take hands out what waits, in order of admission, as many as fit into maxBytes
// and at least one; with their ids, for [Pool.Batched]. They are not handed out
// again.
func (p *Pool) Take(maxBytes int) (ids []proofs.Hash, wires [][]byte) {
	sum, n := 0, 0
	for ; n < len(p.waiting); n++ {
		e := p.waiting[n]
		if n > 0 && sum+len(e.wire) > maxBytes {
			break
		}
		sum += len(e.wire)
		ids, wires = append(ids, e.ID), append(wires, e.wire)
		e.wire = nil
	}
	clear(p.waiting[:n])
	p.waiting = p.waiting[n:]
	p.bytes -= sum
	return ids, wires
}

// Batched says that the messages are in a durable batch of this node's lane.
func (p *Pool) Batched(now uint64, ids []proofs.Hash, batch proofs.Hash) {
	for _, id := range ids {
		if e := p.byID[id]; e != nil && e.reach(now, Batched) {
			e.Batch = batch
			p.batches[batch] = append(p.batches[batch], e)
		}
	}
}

// Acknowledged says that more than a third of the weight holds the batch.
func (p *Pool) Acknowledged(now uint64, batch proofs.Hash) {
	for _, e := range p.batches[batch] {
		e.reach(now, Acknowledged)
	}
}

// Ordered says that the final block at height orders the batch.
func (p *Pool) Ordered(now, height uint64, batch proofs.Hash) {
	for _, e := range p.batches[batch] {
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
	if e.Stage == Received && e.wire != nil {
		p.bytes -= len(e.wire)
		e.wire = nil
		p.waiting = slices.DeleteFunc(p.waiting, func(w *entry) bool { return w == e })
	}
	if e.Stage >= Batched {
		p.leave(e)
	}
	e.reach(now, s)
	p.pending--
	if p.senders[e.Sender]--; p.senders[e.Sender] == 0 {
		delete(p.senders, e.Sender)
	}
	p.done = append(p.done, e)
	return true
}

func (p *Pool) leave(e *entry) {
	rest := slices.DeleteFunc(p.batches[e.Batch], func(o *entry) bool { return o == e })
	if len(rest) == 0 {
		delete(p.batches, e.Batch)
		return
	}
	p.batches[e.Batch] = rest
}

// Expire ends what can no longer be executed: what still waits by the local clock
// now, what is on its way once executedTime, the time of the newest executed block,
// has passed its expiry. It returns their ids, and forgets what expired long ago.
func (p *Pool) Expire(now, executedTime uint64) (expired []proofs.Hash) {
	if len(p.seconds) == 0 {
		return nil
	}
	closing := func(e *entry, s Stage) {
		if e.Stage <= s && p.end(now, e, Expired) {
			expired = append(expired, e.ID)
		}
	}
	// An expiry of second s is past when the time has reached s.
	for ; p.swept <= now/1000; p.swept++ {
		for _, e := range p.seconds[p.swept] {
			closing(e, Received)
		}
	}
	for ; p.closed <= executedTime/1000; p.closed++ {
		for _, e := range p.seconds[p.closed] {
			closing(e, Ordered)
		}
	}
	if now >= p.cfg.Limits.Keep {
		p.forget(now, (now-p.cfg.Limits.Keep)/1000)
	}
	return expired
}

// forget drops the statuses of messages that expired before second, ended or not.
func (p *Pool) forget(now, second uint64) {
	for ; p.dropped < second && len(p.seconds) > 0; p.dropped++ {
		for _, e := range p.seconds[p.dropped] {
			if !e.ended() {
				p.end(now, e, Expired)
			}
			p.drop(e)
		}
		delete(p.seconds, p.dropped)
	}
}

// makeRoom drops the oldest ended statuses while there are too many.
func (p *Pool) makeRoom() {
	for len(p.byID) >= p.cfg.Limits.Statuses && len(p.done) > 0 {
		p.drop(p.done[0])
		p.done = p.done[1:]
	}
	for len(p.done) > 0 && p.done[0].gone {
		p.done = p.done[1:]
	}
}

func (p *Pool) drop(e *entry) {
	if !e.gone {
		e.gone = true
		delete(p.byID, e.ID)
		delete(p.byBody, e.Body)
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
