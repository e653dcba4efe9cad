package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// cloneMachine copies a machine with everything that it changes. Messages, sets and
// what else never changes are shared. It reads unexported fields, so that the
// machine needs nothing for the explorer's sake.
func cloneMachine(m *consensus.Machine) *consensus.Machine {
	c := cloner{seen: make(map[unsafe.Pointer]reflect.Value)}
	return c.copy(reflect.ValueOf(m)).Interface().(*consensus.Machine)
}

// setTime puts a machine back to a time.
func setTime(m *consensus.Machine, now uint64) {
	f := reflect.ValueOf(m).Elem().FieldByName("now")
	reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().SetUint(now)
}

type cloner struct {
	seen map[unsafe.Pointer]reflect.Value
}

// mutable reports whether a pointer leads to something that the machine changes:
// only its own types do.
func mutable(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && strings.HasSuffix(t.Elem().PkgPath(), "chain/consensus")
}

// plain reports whether values of a type can be copied bit by bit.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return false
	case reflect.Pointer:
		return !mutable(t)
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		if !strings.HasSuffix(t.PkgPath(), "chain/consensus") {
			return true
		}
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}

func (c *cloner) copy(v reflect.Value) reflect.Value {
	t := v.Type()
	if plain(t) {
		return v
	}
	switch t.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		if known, ok := c.seen[v.UnsafePointer()]; ok {
			return known
		}
		out := reflect.New(t.Elem())
		c.seen[v.UnsafePointer()] = out
		out.Elem().Set(c.copy(v.Elem()))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(t, v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(c.copy(v.Index(i)))
		}
		return out
	case reflect.Array:
		out := reflect.New(t).Elem()
		for i := range v.Len() {
			out.Index(i).Set(c.copy(v.Index(i)))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(t, v.Len())
		for it := v.MapRange(); it.Next(); {
			out.SetMapIndex(it.Key(), c.copy(it.Value()))
		}
		return out
	case reflect.Struct:
		out := reflect.New(t).Elem()
		out.Set(v)
		for i := range t.NumField() {
			if f := t.Field(i); !plain(f.Type) {
				to := out.Field(i)
				at := reflect.NewAt(f.Type, unsafe.Pointer(to.UnsafeAddr())).Elem()
				at.Set(c.copy(reflect.NewAt(f.Type, unsafe.Pointer(to.UnsafeAddr())).Elem()))
			}
		}
		return out
	}
	panic(fmt.Sprintf("sim: cannot copy a %s", t))
}

// timeFields are fields that say when something happened. The explorer lets every
// timer run out at any time, so that they make no difference to it.
var timeFields = map[string]bool{
	"now": true, "entered": true, "workSince": true, "resendAt": true, "resends": true, "heard": true, "replied": true, "hints": true,
	"pace": true, "fetch": true, "records": true, "cfg": true, "par": true, "out": true, "suspects": true, "absent": true, "lastVote": true,
}

// fingerprint is a hash of all that makes a difference in a machine.
func fingerprint(m *consensus.Machine) [16]byte {
	h := sha256.New()
	p := printer{h: h}
	p.print(reflect.ValueOf(m).Elem())
	return [16]byte(h.Sum(nil)[:16])
}

type printer struct {
	h   hash.Hash
	buf [8]byte
}

func (p *printer) word(v uint64) {
	binary.LittleEndian.PutUint64(p.buf[:], v)
	p.h.Write(p.buf[:])
}

// message prints what tells a message from others, and reports whether v is one.
func (p *printer) message(v reflect.Value) bool {
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return false
	}
	at := v.UnsafePointer()
	switch v.Type() {
	case reflect.TypeFor[*types.Quorum]():
		q := (*types.Quorum)(at)
		p.word(uint64(q.Kind))
		p.word(q.View)
		p.h.Write(q.Header[:])
	case reflect.TypeFor[*types.Vote]():
		q := (*types.Vote)(at)
		p.word(uint64(q.Kind))
		p.word(q.View)
		p.word(uint64(q.Voter))
		p.h.Write(q.Header[:])
	case reflect.TypeFor[*types.Proposal]():
		q := (*types.Proposal)(at)
		id := q.Block.Header.ID()
		p.word(q.View)
		p.word(q.ParentView)
		p.h.Write(id[:])
	case reflect.TypeFor[*types.Block]():
		id := (*types.Block)(at).Header.ID()
		p.h.Write(id[:])
	case reflect.TypeFor[*proofs.ValidatorSet](), reflect.TypeFor[*types.CarCertificate]():
	default:
		return false
	}
	return true
}

func (p *printer) print(v reflect.Value) {
	if p.message(v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			p.word(1)
		} else {
			p.word(0)
		}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int8:
		p.word(uint64(v.Int()))
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint8:
		p.word(v.Uint())
	case reflect.Pointer:
		if v.IsNil() {
			p.word(2)
		} else {
			p.print(v.Elem())
		}
	case reflect.Interface:
		p.word(3)
		if !v.IsNil() && v.Elem().Kind() == reflect.Pointer {
			p.print(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		p.word(uint64(v.Len()))
		for i := range v.Len() {
			p.print(v.Index(i))
		}
	case reflect.Map:
		p.printMap(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if !timeFields[v.Type().Field(i).Name] {
				p.print(v.Field(i))
			}
		}
	}
}

// printMap prints the entries in the order of their hashes.
func (p *printer) printMap(v reflect.Value) {
	var sums []string
	for it := v.MapRange(); it.Next(); {
		h := sha256.New()
		entry := printer{h: h}
		entry.print(it.Key())
		entry.print(it.Value())
		sums = append(sums, string(h.Sum(nil)))
	}
	slices.Sort(sums)
	for _, s := range sums {
		p.h.Write([]byte(s))
	}
}
