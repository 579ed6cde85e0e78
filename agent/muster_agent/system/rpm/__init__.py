"""What the rpm family leaves on a PC: rpm's database, the caches of dnf, yum and zypper, their settings and logs.

rpm's database and the metadata of repositories come in too many forms to be read directly (three databases, four
packings), so rpm, dnf, yum and zypper are asked, always without the network. What they would leave out without a word
(a repository that was never downloaded, a cache of last year) is read from the files beside them.
"""
