# Everything is done by ./dev; this forwards, for those whose fingers type make.
verbs = help build run test asan tsan clang coverage fuzz bench soak doctor format tidy bare peers setup

.PHONY: $(verbs)
$(verbs):
	@./dev $@ $(ARGS)
