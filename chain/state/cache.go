package state

import (
	"container/list"
	"sync"
)

// pageCache keeps decoded pages by number, least recently used out first. Pages with
// links (the upper ones, which every batch touches) have three quarters of the room to
// themselves, so that the many bottom pages cannot push them out. Safe for concurrent use.
type pageCache struct {
	mu            sync.Mutex
	upper, bottom lru
}

type lru struct {
	limit int
	order *list.List // of *cached, most recent in front
	items map[uint64]*list.Element
}

type cached struct {
	page uint64
	root *node
}

func newPageCache(pages int) *pageCache {
	bottom := max(pages/4, 1)
	return &pageCache{upper: newLRU(max(pages-bottom, 1)), bottom: newLRU(bottom)}
}

func newLRU(limit int) lru {
	return lru{limit: limit, order: list.New(), items: make(map[uint64]*list.Element)}
}

func (c *pageCache) get(page uint64) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.upper.get(page); n != nil {
		return n
	}
	return c.bottom.get(page)
}

func (c *pageCache) put(page uint64, root *node) {
	upper := hasLink(root)
	c.mu.Lock()
	defer c.mu.Unlock()
	if upper {
		c.upper.put(page, root)
	} else {
		c.bottom.put(page, root)
	}
}

func (c *pageCache) drop(page uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.upper.drop(page)
	c.bottom.drop(page)
}

func hasLink(n *node) bool {
	if n.kind == kindInner {
		return hasLink(n.left) || hasLink(n.right)
	}
	return n.kind == kindLink
}

func (l *lru) get(page uint64) *node {
	e := l.items[page]
	if e == nil {
		return nil
	}
	l.order.MoveToFront(e)
	return e.Value.(*cached).root
}

func (l *lru) put(page uint64, root *node) {
	if e := l.items[page]; e != nil {
		l.order.MoveToFront(e)
		return
	}
	if len(l.items) >= l.limit {
		l.drop(l.order.Back().Value.(*cached).page)
	}
	l.items[page] = l.order.PushFront(&cached{page: page, root: root})
}

func (l *lru) drop(page uint64) {
	if e := l.items[page]; e != nil {
		l.order.Remove(e)
		delete(l.items, page)
	}
}
