package data

// Awaited are the ports on which connections are awaited now, and how many on
// each.
func (p *Ports) Awaited() map[uint16]int {
	awaited := make(map[uint16]int)
	for number, one := range p.now.Load().ports {
		one.mu.Lock()
		if n := len(one.waiting); n > 0 {
			awaited[number] = n
		}
		one.mu.Unlock()
	}
	return awaited
}
