# Another process holds the store for itself: exit 6.
sample
pannier pack -q
(
	flock 9
	run pannier log --wait 0
	json pannier pack --json --wait 0
	pannier verify -q model-package.zip && echo 'a file needs no store'
) 9> .pannier/lock
run pannier pack -q
