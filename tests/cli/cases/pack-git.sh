# In a checkout the workspace is its top, and the log knows the commit.
sample models/term
git -c init.defaultBranch=main init -q .
git add models && git -c user.name=t -c user.email=t@example.org commit -qm one
commit=$(git rev-parse HEAD)
cd models/term
pannier pack -q
ls -A ../..
pannier log --json | jq '.entries[0] | [.gitCommit == "'"$commit"'", .gitDirty, .name]'
edit_table
pannier pack -q
pannier log --json | jq '.entries[0] | [.gitCommit == "'"$commit"'", .gitDirty, .name]'
git status --short --ignored
# What the checkout's own settings name is not run: then it is not known whether there are changes.
git config filter.evil.clean "touch '$PWD/ran'; cat"
printf '*.csv filter=evil\n' > ../../.git/info/attributes
touch assumptions/*.csv
pannier pack -q
pannier log --json | jq '.entries[0] | [.gitCommit == "'"$commit"'", .gitDirty]'
ls ran 2>&1
git config --unset filter.evil.clean
git config --global filter.mine.clean "touch '$PWD/ran'; cat"
printf '*.csv filter=mine\n' > ../../.git/info/attributes
pannier pack -q
pannier log --json | jq '.entries[0] | [.gitCommit == "'"$commit"'", .gitDirty]'
ls ran
