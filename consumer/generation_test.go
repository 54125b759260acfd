package consumer

import (
	"testing"
	"testing/synctest"
)

// Status lists partitions ascending, whatever order the group's leader assigned them in.
func TestStatusListsPartitionsAscending(t *testing.T) {
	bubble(t, 8, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.produce(event("one"))
		r.awaitCreated("one")
		synctest.Wait()
		for i, got := range p.Status().Partitions {
			if got.Partition != i {
				t.Errorf("place %d holds partition %d", i, got.Partition)
			}
		}
		p.shutdown(t)
	})
}
