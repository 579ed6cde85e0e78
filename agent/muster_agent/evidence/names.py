"""Whose a name is: what the security centre and the list of programs call a product, and the files it consists of."""

from __future__ import annotations

from muster_agent.catalogue import Catalogue, Product


def plain(name: str) -> str:
    """``name`` in small letters without blanks: 360 杀毒 is written with one and without."""
    return "".join(name.split()).lower()


def stem(program: str) -> str:
    """hipsdaemon of HipsDaemon.exe."""
    return program.rpartition(".")[0].lower()


class Names:
    """The names of the products of a catalogue on Windows. Of several that fit, the longest is meant: 火绒终端安全 is
    another product than 火绒."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._generic = catalogue.generic
        self._others = tuple(plain(word) for word in catalogue.not_names)
        self._exact: dict[str, Product] = {}
        self._beginnings: list[tuple[str, Product]] = []
        self._files: dict[str, set[str]] = {}
        self._products = {product.id: product for product in catalogue.on("windows")}
        for product in self._products.values():
            assert product.windows is not None
            for name in product.windows.display_names:
                if name.endswith("*"):
                    self._beginnings.append((plain(name[:-1]), product))
                else:
                    self._exact[plain(name)] = product
            for program in (*product.windows.processes, *product.windows.companions):
                self._files.setdefault(program.lower(), set()).add(product.id)
        self._beginnings.sort(key=lambda entry: -len(entry[0]))

    def product(self, name: str, publisher: str | None) -> Product | None:
        """The product that calls itself ``name``. A publisher that is not the maker's makes it another's."""
        said = plain(name)
        found = self._exact.get(said)
        if found is None:
            found = self._begun(said)
        if found is None or found.windows is None or publisher is None or not found.windows.publishers:
            return found
        maker = plain(publisher)
        return found if any(plain(known) in maker for known in found.windows.publishers) else None

    def _begun(self, said: str) -> Product | None:
        """The product of the longest beginning. What it goes on with may make it another product: Panda Dome VPN. A
        word the catalogue has in the beginning itself is meant: ESET Server Security."""
        for beginning, product in self._beginnings:
            if said.startswith(beginning):
                other = any(word in said and word not in beginning for word in self._others)
                return None if other else product
        return None

    def owner(self, path: str) -> Product | None:
        """The only product that has a program of this file name; None for a name that others bear too."""
        name = path.rpartition("\\")[2].lower()
        owners = self._files.get(name, set())
        if len(owners) != 1 or name in self._generic:
            return None
        return self._products[next(iter(owners))]
